//! summitwatch watches news feeds in many languages for one subject and tells its user once,
//! quickly, when something new happens.
//!
//! News moves one way, and the modules below stand in the order in which it moves; a module may
//! name only modules above its own line (a test holds it to that). A due feed is polled
//! ([`fetch`]), its bytes become items ([`parse`]), items are judged ([`topic`]), placed among
//! stories ([`story`]) and decided upon ([`alert`]); [`ingest`] does all of that in one
//! transaction of the archive ([`store`]), together with the deliveries owed ([`outbox`]) and the
//! feed's validators. Channels are served apart ([`channel`]), and so is who looks at the archive
//! ([`search`], [`web`]). [`daemon`] turns the loops; time, network and disk are passed in, so that
//! a recorded week replays in seconds.

pub mod clock;
pub mod secret;
pub mod text;
pub mod item;
pub mod feed;
pub mod fetch;
pub mod parse;
pub mod discover;
pub mod topic;
pub mod story;
pub mod alert;
pub mod rehearsal;
pub mod route;
pub mod words;
pub mod digest;
pub mod message;
pub mod hearing;
pub mod outbox;
pub mod channel;
pub mod search;
pub mod syndication;
pub mod calendar;
pub mod opml;
pub mod store;
pub mod metrics;
pub mod ingest;
pub mod web;
pub mod config;
pub mod daemon;
pub mod replay;
pub mod backtest;
pub mod demo;
pub mod command;
