//! Charts, drawn here as SVG: positions across in per cent and down in pixels, so that they fit a phone
//! and a desk without a script, and their words keep their size.

use jiff::civil::Date;
use maud::{Markup, html};

use crate::web::words::{grouped, span};
use crate::words::language_name;

/// Languages that have a colour of their own, in the order in which they are stacked.
const LANGUAGES: [&str; 8] = ["ko", "ja", "zh", "en", "ru", "fr", "de", "es"];

/// How many of each language on one day; the last is all others.
pub(super) type Stack = [i64; LANGUAGES.len() + 1];

pub(super) fn place_of(language: Option<&str>) -> usize {
    let found = LANGUAGES.iter().position(|it| Some(*it) == language);
    found.unwrap_or(LANGUAGES.len())
}

fn name_of(place: usize) -> &'static str {
    LANGUAGES.get(place).map_or("other", |it| language_name(it))
}

pub(super) fn class_of(place: usize) -> String {
    format!("l-{}", LANGUAGES.get(place).unwrap_or(&"other"))
}

/// What the colours mean, for those that occur.
pub(super) fn legend(occur: &Stack) -> Markup {
    html! {
        ul.legend aria-label="Colours" {
            @for place in (0..occur.len()).filter(|it| occur[*it] > 0) {
                li { svg width="10" height="10" aria-hidden="true" { rect class=(class_of(place)) width="10" height="10" rx="2" {} }
                    (name_of(place)) }
            }
        }
    }
}

const HEIGHT: f64 = 96.0;
/// Above the highest line, for half of its number.
const HEAD: f64 = 8.0;

/// A column for each day, stacked by language, with what the height and the days are.
pub(super) fn columns(name: &str, days: &[(Date, Stack)]) -> Markup {
    let totals: Vec<i64> = days.iter().map(|(_, stack)| stack.iter().sum()).collect();
    let most = totals.iter().copied().max().unwrap_or(0);
    let all: i64 = totals.iter().sum();
    let top = round_up(most);
    html! {
        figure.chart {
            figcaption { b { (name) } " " span.quiet { (grouped(all)) " in all, " (grouped(most)) " on the busiest day" } }
            div.plot {
                svg.scale aria-hidden="true" height=(HEIGHT) {
                    @for value in [0, top / 2, top] {
                        text x="100%" y=(px(level(value, top) + 4.0)) text-anchor="end" { (grouped(value)) }
                    }
                }
                svg.columns role="img" aria-label={(name) " a day: " (grouped(all)) " in all, at most " (grouped(most))} width="100%" height=(HEIGHT) {
                    @for value in [top / 2, top] {
                        line.grid x1="0" x2="100%" y1=(px(level(value, top))) y2=(px(level(value, top))) {}
                    }
                    line.base x1="0" x2="100%" y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
                    @for (at, (date, stack)) in days.iter().enumerate() {
                        (column(at, days.len(), *date, stack, top))
                    }
                }
            }
            (axis(days.iter().map(|it| it.0)))
        }
    }
}

/// The next number that divides in two and is easily read: 2, 4, 6, 10, 20, 40, …
fn round_up(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        let steps = [2, 4, 6, 10].into_iter().map(|it| it * unit);
        if let Some(top) = steps.clone().find(|it| *it >= most) {
            return top;
        }
        let Some(next) = 10_i64.checked_mul(unit).filter(|it| *it < i64::MAX / 10) else {
            return most;
        };
        unit = next;
    }
}

/// How far down a number stands.
fn level(value: i64, top: i64) -> f64 {
    HEIGHT - 1.0 - (HEIGHT - 1.0 - HEAD) * ratio(value, top)
}

fn column(at: usize, of: usize, date: Date, stack: &Stack, most: i64) -> Markup {
    let (left, width) = slot(at, of);
    let mut top = HEIGHT - 1.0;
    let parts: Vec<(usize, f64, f64)> = stack
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(place, n)| {
            // Something is something: a day with one item is seen.
            let height = (HEIGHT - 1.0 - HEAD) * ratio(*n, most).max(0.02);
            top -= height;
            (place, top, height)
        })
        .collect();
    let said: Vec<String> = (0..stack.len())
        .filter(|it| stack[*it] > 0)
        .map(|it| format!("{} {}", name_of(it), stack[it]))
        .collect();
    html! {
        @if !parts.is_empty() {
            g {
                title { (date.strftime("%-d %b")) ": " (said.join(", ")) }
                @for (place, y, height) in parts {
                    rect class=(class_of(place)) x=(percent(left)) width=(percent(width)) y=(px(y)) height=(px(height)) {}
                }
            }
        }
    }
}

/// Where a day stands, with a gap after it.
fn slot(at: usize, of: usize) -> (f64, f64) {
    let width = 100.0 / count(of);
    (width * count(at), width * 0.82)
}

/// Days under a chart: the first, some between, the last.
fn axis(days: impl Iterator<Item = Date>) -> Markup {
    let days: Vec<Date> = days.collect();
    let last = days.len().saturating_sub(1);
    html! {
        @if days.len() > 4 {
            p.axis aria-hidden="true" {
                @for at in [0, last / 4, last / 2, last * 3 / 4, last] { span { (days[at].strftime("%-d %b")) } }
            }
        }
    }
}

/// A stretch of the band, in hundredths of its length.
pub(super) struct Stretch {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) state: String,
    pub(super) down: bool,
    pub(super) said: String,
}

/// Where the meeting stood when.
pub(super) fn band(stretches: &[Stretch], days: &[Date]) -> Markup {
    let said: Vec<&str> = stretches.iter().map(|it| it.said.as_str()).collect();
    html! {
        figure.chart {
            figcaption { b { "State" } " " span.quiet { "where the meeting stood" } }
            div.plot {
                svg.scale aria-hidden="true" height="26" {}
                svg.band role="img" aria-label={"State: " (said.join("; "))} width="100%" height="26" {
                    @for it in stretches {
                        g {
                            title { (it.said) }
                            rect class=(if it.down { "down" } else { "up" }) x=(percent(it.from)) width=(percent((it.to - it.from - 0.15).max(0.3))) y="0" height="26" {}
                            // Words only where they fit at any width.
                            @if it.to - it.from > 28.0 {
                                text x=(percent(it.from + 0.8)) y="17" { (it.state) }
                            }
                        }
                    }
                }
            }
            (axis(days.iter().copied()))
        }
    }
}

/// A row of small bars, one a day; one path, for there are many rows on a page.
pub(super) fn sparkline(days: &[i64], said: &str) -> Markup {
    let most = days.iter().copied().max().unwrap_or(0);
    let bars = days.iter().enumerate().map(|(at, n)| {
        let height = if *n > 0 {
            (16.0 * ratio(*n, most)).max(2.0)
        } else {
            0.5
        };
        let (left, height) = (6 * at, format!("{height:.1}"));
        format!("M{left} 18v-{height}h5v{height}z")
    });
    html! {
        svg.spark role="img" aria-label=(said) width=(6 * days.len()) height="18" {
            title { (said) }
            path d=(bars.collect::<String>()) {}
        }
    }
}

/// Of a story: who reported when, a row for each language.
pub(super) struct Dot {
    pub(super) lag_secs: i64,
    pub(super) place: usize,
    pub(super) told: bool,
    pub(super) said: String,
}

pub(super) fn spread(dots: &[Dot]) -> Markup {
    let longest = dots.iter().map(|it| it.lag_secs).max().unwrap_or(0).max(1);
    let mut places: Vec<usize> = dots.iter().map(|it| it.place).collect();
    places.sort_unstable();
    places.dedup();
    let row = |place: usize| places.iter().position(|it| *it == place).unwrap_or(0);
    let rows = 18 * places.len() + 4;
    let length = span(longest);
    // Later than the first report: where it stands, and by how much.
    let marks = [
        (11.0, "start", 0),
        (54.5, "middle", longest / 2),
        (98.0, "end", longest),
    ];
    html! {
        figure.chart.spread {
            figcaption { b { "Spread" } " " span.quiet { "reports by language over " (length) "; rings were told" } }
            svg role="img" aria-label={"Reports over " (length) ", by language"} width="100%" height=(rows + 18) {
                @for (across, anchor, lag) in marks {
                    line.grid x1=(percent(across)) x2=(percent(across)) y1="0" y2=(rows) {}
                    text x=(percent(across)) y=(rows + 13) text-anchor=(anchor) { @if lag == 0 { "first report" } @else { "+" (span(lag)) } }
                }
                @for place in &places {
                    @let y = 13 + 18 * row(*place);
                    line.base x1="9%" x2="100%" y1=(y - 1) y2=(y - 1) {}
                    text x="0" y=(y + 3) { (LANGUAGES.get(*place).unwrap_or(&"–")) }
                }
                @for dot in dots {
                    @let across = 11.0 + 87.0 * ratio(dot.lag_secs, longest);
                    @let y = 12 + 18 * row(dot.place);
                    circle class={(class_of(dot.place)) @if dot.told { " told" }} cx=(percent(across)) cy=(y) r=(if dot.told { "5" } else { "3.5" }) {
                        title { (dot.said) }
                    }
                }
            }
        }
    }
}

/// How near a score came to its threshold.
pub(super) fn score(score: f64, threshold: f64, matched: bool) -> Markup {
    html! {
        svg.score aria-hidden="true" width="140" height="10" {
            rect.trough x="0" y="3" width="100%" height="4" rx="2" {}
            rect class=(if matched { "yes" } else { "no" }) x="0" y="3" width=(percent(score * 100.0)) height="4" rx="2" {}
            rect.mark x=(percent((threshold * 100.0).clamp(0.0, 99.0))) y="0" width="2" height="10" {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a chart are small")]
fn ratio(n: i64, most: i64) -> f64 {
    if most <= 0 {
        0.0
    } else {
        n as f64 / most as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "a chart has few columns")]
fn count(n: usize) -> f64 {
    n as f64
}

fn percent(value: f64) -> String {
    format!("{}%", px(value))
}

/// Two digits are finer than any screen.
fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
