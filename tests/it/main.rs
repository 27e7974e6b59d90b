//! The one integration binary: the service against loopback servers that behave as the world does,
//! good and bad. Every test goes through [`world::World`] or the real program.

mod channels;
mod acts;
mod articles;
mod bounds;
mod care;
mod cli;
mod developments;
mod crash;
mod demo;
mod digests;
mod fetching;
mod flow;
mod operate;
mod outbox;
mod pages;
mod health;
mod hostile;
mod politeness;
mod push;
mod reading;
mod rulings;
mod schema;
mod tidy;
mod topics;
mod web;
mod words;
mod world;
