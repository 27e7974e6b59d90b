//! `topics check`: what is wrong, or may be, with the lexicon and the rules.

use std::io;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::command::topics::{place, references};
use crate::command::{Context, Done};
use crate::config::Config;
use crate::store::{StoreError, history, open_read_only};
use crate::text::{Words, counted};
use crate::topic::Engine;
use crate::topic::check::{Finding, Firing, Grade, lexicon, topic};

#[derive(Debug, Args)]
pub(in crate::command) struct Check {
    /// Files or names of topics [default: every configured one]
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Print notes too: terms in two concepts, terms inside longer ones, rules that never fired
    #[arg(long)]
    notes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found about one thing.
struct Section {
    about: String,
    findings: Vec<Finding>,
    firing: Vec<(String, usize)>,
}

impl Check {
    pub(in crate::command) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let references = references(&config, &self.topics)?;
        let engine = config.engine_of(&references)?;
        let firings = firings(&config, &engine)?;
        let repeated = config.repeated_terms()?.into_iter().map(|fault| Finding {
            grade: Grade::Problem,
            message: fault.to_string(),
        });
        let concepts = engine.lexicon.concepts().len();
        let mut sections = vec![Section {
            about: format!(
                "lexicon: {concepts} concepts, {} terms",
                engine.lexicon.n_terms()
            ),
            findings: repeated.chain(lexicon(&engine.lexicon)).collect(),
            firing: Vec::new(),
        }];
        for (at, reference) in references.iter().enumerate() {
            let judged = &engine.topics[at];
            let mut findings = topic(judged, &engine.lexicon);
            let mut about = format!("topic {}: {}", judged.name, place(reference));
            let mut firing = Vec::new();
            if let Some(fired) = firings.get(at).filter(|it| it.items > 0) {
                findings.extend(fired.findings(judged));
                about += &format!(
                    ", matches {} of {} archived items",
                    fired.matched, fired.items
                );
                let counts = fired.by_name(judged);
                firing = counts
                    .into_iter()
                    .map(|(name, count)| (name.to_owned(), count))
                    .collect();
            }
            sections.push(Section {
                about,
                findings,
                firing,
            });
        }
        let graded = |grade: Grade| {
            let all = sections.iter().flat_map(|it| &it.findings);
            all.filter(|it| it.grade == grade).count()
        };
        let (problems, notes) = (graded(Grade::Problem), graded(Grade::Note));
        if self.json {
            let sections: Vec<Value> = sections.iter().map(Section::as_json).collect();
            say!(
                "{:#}",
                json!({"problems": problems, "notes": notes, "sections": sections})
            )?;
        } else {
            self.tell(&sections)?;
            say!(
                "{}, {}{}",
                counted(problems, "problem"),
                counted(notes, "note"),
                self.hint(notes)
            )?;
        }
        if problems > 0 && !self.json {
            bail!("there are problems");
        }
        Ok(ExitCode::from(u8::from(problems > 0)))
    }

    fn tell(&self, sections: &[Section]) -> io::Result<()> {
        for section in sections {
            say!("{}", section.about)?;
            for finding in &section.findings {
                match finding.grade {
                    Grade::Problem => say!("  problem  {}", finding.message)?,
                    Grade::Note if self.notes => say!("  note     {}", finding.message)?,
                    Grade::Note => {}
                }
            }
            for (name, count) in section.firing.iter().filter(|_| self.notes) {
                say!("  {count:7}  {name}")?;
            }
        }
        Ok(())
    }

    fn hint(&self, notes: usize) -> &'static str {
        if notes > 0 && !self.notes {
            " (--notes shows them)"
        } else {
            ""
        }
    }
}

impl Section {
    fn as_json(&self) -> Value {
        let findings = self.findings.iter().map(|it| {
            let grade = match it.grade {
                Grade::Problem => "problem",
                Grade::Note => "note",
            };
            json!({"grade": grade, "message": it.message})
        });
        let fired = self
            .firing
            .iter()
            .map(|(name, count)| json!({"name": name, "items": count}));
        json!({
            "about": self.about, "findings": findings.collect::<Vec<_>>(), "fired": fired.collect::<Vec<_>>(),
        })
    }
}

/// What the topics do on the whole archive, where there is one.
fn firings(config: &Config, engine: &Engine) -> Result<Vec<Firing>, StoreError> {
    let mut firings = vec![Firing::default(); engine.topics.len()];
    if !config.archive.exists() {
        return Ok(firings);
    }
    let archive = open_read_only(&config.archive)?;
    history::since(&archive, jiff::Timestamp::MIN, |item| {
        let reading = engine.lexicon.read(&Words::new(&item.title, &item.summary));
        for (topic, firing) in engine.topics.iter().zip(&mut firings) {
            firing.add(topic, &reading, &engine.lexicon);
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(firings)
}
