//! What judging costs: reading text with the one automaton, judging items, compiling the lexicon;
//! against what a person would write without it, a regular expression for each part of each rule.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regex::{Regex, RegexBuilder};
use summitwatch::config::{Config, Origin};
use summitwatch::text::Words;
use summitwatch::topic::lexicon::Lexicon;
use summitwatch::topic::rule::{Named, Rule};
use summitwatch::topic::{Engine, Scope};

const ITEMS: usize = 1_000;
/// The yardstick takes a second for some hundred.
const YARDSTICK_ITEMS: usize = 24;

/// Headlines and leads of many languages as feeds bring them, one in six on topic.
fn items() -> Vec<(String, String)> {
    let said = [
        (
            "Trump and Kim Jong Un to meet in Singapore",
            "The White House said the summit with North Korea's leader would open next month.",
        ),
        (
            "북미 정상회담 앞두고 실무협상 재개",
            "미국과 북한이 다음 주 스톡홀름에서 실무협상을 다시 시작한다고 양측이 밝혔다.",
        ),
        (
            "台風が本州に接近、各地で大雨の恐れ",
            "気象庁は土砂災害や川の増水に厳重に警戒するよう呼びかけている。",
        ),
        (
            "央行下调基准利率以支持经济",
            "分析师预计未来几个月还将继续下调，市场对此反应平静，股市小幅收高。",
        ),
        (
            "Central bank holds rates as inflation slows",
            "Analysts had expected a cut of a quarter point, but officials said it was too early.",
        ),
        (
            "프로야구 개막전 매진, 관중 열기",
            "전국 다섯 개 구장이 모두 팬들로 가득 찼다고 한국야구위원회가 전했다.",
        ),
        (
            "Парламент принял бюджет после долгой ночи",
            "Голосование прошло с минимальным перевесом, которого не ожидала ни одна из сторон.",
        ),
        (
            "Le Parlement adopte le budget après une longue nuit",
            "Le vote a été plus serré que ne l'espéraient les deux camps, selon des élus.",
        ),
        (
            "Regierung will Bahnstrecken schneller sanieren",
            "Der Minister nannte Termine für vierzig Strecken; Verbände zweifeln an den Kosten.",
        ),
        (
            "Los pescadores piden ayudas por el precio del gasóleo",
            "El sector convoca una protesta en los puertos del norte para la próxima semana.",
        ),
        (
            "Scientists map the floor of a hidden lake",
            "The survey took three seasons and two ships, and found a valley nobody had guessed at.",
        ),
        (
            "首相、補正予算案の年内成立めざす考え",
            "与野党の協議は難航しており、会期の延長も取り沙汰されている。",
        ),
    ];
    let item = |n: usize| {
        let (title, summary) = said[n % said.len()];
        (format!("{title} ({n})"), format!("{summary} "))
    };
    (0..ITEMS).map(item).collect()
}

fn engine() -> Engine {
    let config = Config::parse(Origin::Shipped, Path::new(""), "").expect("sound");
    config.engine().expect("sound")
}

fn judging(c: &mut Criterion) {
    let (engine, items) = (engine(), items());
    let bytes: usize = items
        .iter()
        .map(|(title, summary)| title.len() + summary.len())
        .sum();
    let judge = |title: &str, summary: &str| {
        let reading = engine.lexicon.read(&Words::new(title, summary));
        engine.topics[0].score(&reading, &engine.lexicon).matched
    };
    let mut group = c.benchmark_group("judge");
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function("fold, read and judge", |b| {
        b.iter(|| items.iter().filter(|it| judge(&it.0, &it.1)).count());
    });
    let rules = Patterns::new(&engine);
    let few = &items[..YARDSTICK_ITEMS];
    group.sample_size(10);
    group.throughput(Throughput::Elements(few.len() as u64));
    group.bench_function("a regex for each part of each rule (yardstick)", |b| {
        b.iter(|| few.iter().filter(|it| rules.any(&it.0, &it.1)).count());
    });
    group.finish();

    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("fold", |b| {
        b.iter(|| {
            for (title, summary) in &items {
                black_box(Words::new(title, summary));
            }
        });
    });
    let words: Vec<Words<'_>> = items.iter().map(|it| Words::new(&it.0, &it.1)).collect();
    group.bench_function("read", |b| {
        b.iter(|| {
            words
                .iter()
                .map(|it| engine.lexicon.read(it).hits.len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn compiling(c: &mut Criterion) {
    let concepts = engine().lexicon.concepts().to_vec();
    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    group.bench_function("the lexicon's automaton", |b| {
        b.iter(|| Lexicon::new(concepts.clone()).expect("sound").n_terms());
    });
    group.bench_function("lexicon and topic from TOML", |b| {
        b.iter(|| engine().topics.len());
    });
    group.finish();
}

/// The rules of a topic as regular expressions over title and summary; folding, longest match and
/// evidence are not even tried.
struct Patterns(Vec<(Vec<Regex>, Vec<Regex>, Vec<Regex>)>);

impl Patterns {
    fn new(engine: &Engine) -> Self {
        let Scope::Rules(scope) = &engine.topics[0].scope else {
            return Self(Vec::new());
        };
        let parts = |parts: &[Named]| {
            parts
                .iter()
                .map(|it| pattern(it, &engine.lexicon))
                .collect()
        };
        let rule = |it: &Rule| {
            let condition = &it.condition;
            (
                parts(&condition.all),
                parts(&condition.any),
                parts(&condition.none),
            )
        };
        Self(scope.rules.iter().map(rule).collect())
    }

    /// Every rule is asked, as the score needs them all.
    fn any(&self, title: &str, summary: &str) -> bool {
        let holds = |text: &str, (all, any, none): &(Vec<Regex>, Vec<Regex>, Vec<Regex>)| {
            all.iter().all(|it| it.is_match(text))
                && (any.is_empty() || any.iter().any(|it| it.is_match(text)))
                && !none.iter().any(|it| it.is_match(text))
        };
        let satisfied = self
            .0
            .iter()
            .filter(|it| holds(title, it) || holds(summary, it));
        satisfied.count() > 2
    }
}

fn pattern(part: &Named, lexicon: &Lexicon) -> Regex {
    let terms = part
        .concepts
        .iter()
        .flat_map(|it| &lexicon.concept(it).terms);
    let alternatives: Vec<String> = terms
        .map(|it| {
            let word = regex::escape(it.trim_matches('|')).replace(r"\*", r"\w*");
            if it.is_ascii() {
                format!(r"\b{word}\b")
            } else {
                word
            }
        })
        .collect();
    RegexBuilder::new(&alternatives.join("|"))
        .case_insensitive(true)
        .size_limit(1 << 30)
        .build()
        .expect("a pattern")
}

criterion_group!(benches, judging, compiling);
criterion_main!(benches);
