//! `topics concepts`: what rules may name.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::command::{Context, Done, output};
use crate::store::query::Table;
use crate::text::fold::fold;
use crate::topic::lexicon::{Concept, Kind};

#[derive(Debug, Args)]
pub(in crate::command) struct Concepts {
    /// Only concepts whose name, meaning or terms hold this, in any language
    word: Option<String>,
    /// Print JSON, with every term
    #[arg(long)]
    json: bool,
}

/// Terms to show in a table, which cuts its cells.
const SHOWN: usize = 6;

impl Concepts {
    pub(in crate::command) fn run(&self, context: &Context) -> Done {
        let engine = context.config()?.engine_of(&[])?;
        let wanted = self.word.as_deref().map(fold).unwrap_or_default();
        let holds = |concept: &&Concept| {
            let mut said = concept.terms.iter().chain([&concept.id, &concept.gloss]);
            said.any(|it| fold(it).contains(&wanted))
        };
        let concepts = engine.lexicon.concepts().iter().filter(holds);
        let rows = concepts.map(|concept| {
            let terms = if self.json {
                json!(concept.terms)
            } else {
                json!(concept.terms[..concept.terms.len().min(SHOWN)].join(", "))
            };
            vec![
                json!(concept.id),
                json!(kind(concept.kind)),
                json!(concept.gloss),
                terms,
            ]
        });
        let table = Table {
            columns: ["concept", "kind", "meaning", "terms"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
            cut: false,
        };
        output::print(&context.look(), &table, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Institution => "institution",
        Kind::Place => "place",
        Kind::Agreement => "agreement",
        Kind::Weapon => "weapon",
        Kind::Act => "act",
        Kind::State => "state",
        Kind::Agency => "agency",
        Kind::Compound => "compound",
        Kind::Block => "block",
    }
}
