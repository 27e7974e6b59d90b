//! `topics suggest`: unmatched items near matched ones, terms that the lexicon may lack, and headlines whose state the
//! ladder does not read.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::command::topics::{reference, references};
use crate::command::{Context, Done, span};
use crate::config::file::Span;
use crate::store::{StoreError, history, open_read_only};
use crate::text::{Words, cut, printable};
use crate::topic::suggest::{Near, Proposal, Seen, Unread, near, phrases, proposals};

#[derive(Debug, Args)]
pub(in crate::command) struct Suggest {
    /// File or name of a topic [default: the first configured one]
    topic: Option<String>,
    /// Only items seen within this span before the newest one
    #[arg(long, value_parser = span, default_value = "30d")]
    since: Span,
    /// Lines to print of each kind
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Suggest {
    pub(in crate::command) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let reference = match &self.topic {
            Some(topic) => reference(&config, topic)?,
            None => references(&config, &[])?
                .into_iter()
                .next()
                .context("no topic with rules is configured; name one")?,
        };
        let engine = config.engine_of(std::slice::from_ref(&reference))?;
        let topic = engine.topics.first().context("the topic was just built")?;
        let archive = open_read_only(&config.archive)?;
        let Some(newest) = history::newest(&archive)? else {
            bail!("{} holds no item yet", config.archive.display());
        };
        let since = newest.checked_sub(SignedDuration::try_from(self.since.0)?)?;
        let mut seen = Vec::new();
        history::since(&archive, since, |item| {
            let words = Words::new(&item.title, &item.summary);
            let reading = engine.lexicon.read(&words);
            let at = item.published_at.unwrap_or(item.first_seen_at);
            let language = item.language.clone();
            seen.push(Seen::new(
                item.id,
                at,
                language,
                &words,
                &reading,
                topic,
                &engine.lexicon,
            ));
            Ok::<_, StoreError>(())
        })?;
        let near = near(&seen);
        let terms = proposals(&seen, &near);
        let unread = history::unread_states(&archive, &topic.name, since)?;
        let phrases = phrases(&seen, &unread);
        let (near_shown, terms_shown) = (
            &near[..near.len().min(self.limit)],
            &terms[..terms.len().min(self.limit)],
        );
        if self.json {
            let items: Vec<Value> = near_shown.iter().map(near_json).collect();
            let terms: Vec<Value> = terms_shown.iter().map(term_json).collect();
            say!(
                "{:#}",
                json!({
                    "topic": topic.name, "items": items, "terms": terms,
                    "unread": unread.iter().take(self.limit).map(unread_json).collect::<Vec<_>>(),
                    "phrases": phrases.iter().take(self.limit).map(phrase_json).collect::<Vec<_>>(),
                })
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        let matched = seen.iter().filter(|it| it.matched).count();
        say!("{}: {matched} of {} items match", topic.name, seen.len())?;
        say!("\nunmatched, near a match ({} in all)", near.len())?;
        for Near { item, likeness, to } in near_shown {
            let language = item.language.as_deref().unwrap_or("?");
            let (title, other) = (shown(&item.title), shown(&to.title));
            say!(
                "  {likeness:.2} score {:.2} {language} {title} (item {})",
                item.score,
                item.id
            )?;
            say!("       like {other} (item {})", to.id)?;
        }
        say!(
            "\nwords of matches and of items near them that no term covers ({} in all)",
            terms.len()
        )?;
        for Proposal {
            term,
            near,
            elsewhere,
            example,
        } in terms_shown
        {
            say!(
                "  {near:3} near, {elsewhere:3} elsewhere  {}: {}",
                printable(term),
                shown(example)
            )?;
        }
        if topic.course.is_some() {
            self.states(&unread, &phrases)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the ladder does not read.
    fn states(&self, unread: &[Unread], phrases: &[(String, Proposal)]) -> anyhow::Result<()> {
        say!(
            "\nheadlines that tell no state, beside reports of the same that do ({} in all)",
            unread.len()
        )?;
        for it in unread.iter().take(self.limit) {
            let language = it.language.as_deref().unwrap_or("?");
            say!(
                "  {} {language} {} (item {})",
                it.state,
                shown(&it.title),
                it.item
            )?;
            say!("       like {}", shown(&it.other))?;
        }
        say!(
            "\nwords of such headlines, for phrases of the ladder ({} in all)",
            phrases.len()
        )?;
        for (state, it) in phrases.iter().take(self.limit) {
            say!(
                "  {state}: {:3} unread, {:3} elsewhere  {}: {}",
                it.near,
                it.elsewhere,
                printable(&it.term),
                shown(&it.example)
            )?;
        }
        Ok(())
    }
}

fn unread_json(it: &Unread) -> Value {
    json!({
        "item": it.item, "language": it.language, "title": it.title, "state": it.state, "like": it.other,
    })
}

fn phrase_json(it: &(String, Proposal)) -> Value {
    let mut phrase = term_json(&it.1);
    phrase["state"] = json!(it.0);
    phrase
}

fn shown(title: &str) -> String {
    cut(&printable(title), 80)
}

fn near_json(near: &Near<'_>) -> Value {
    json!({
        "item": near.item.id, "likeness": near.likeness, "score": near.item.score,
        "language": near.item.language, "title": near.item.title,
        "like": {"item": near.to.id, "title": near.to.title},
    })
}

fn term_json(proposal: &Proposal) -> Value {
    json!({
        "term": proposal.term, "near": proposal.near, "elsewhere": proposal.elsewhere, "example": proposal.example,
    })
}
