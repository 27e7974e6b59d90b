//! A program of the user's own: what it is given, and what its end means.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use summitwatch::outbox::Outcome;

use crate::channels::bench::{PLANTED, alert, delivery, open};
use crate::world::desk::Desk;

/// What comes of a script in the configuration's folder, and the folder.
fn run(script: &str, keys: &str) -> (Outcome, tempfile::TempDir) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("tell.sh");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made to run");
    let toml = format!("kind = \"exec\"\ncommand = [\"./tell.sh\", \"a b\", \"$HOME\"]\n{keys}");
    let channel = open(&toml, folder.path()).expect("a sound channel");
    let outcome =
        crate::world::runtime().block_on(channel.send(&delivery(&alert(), Some("first"))));
    (outcome, folder)
}

#[test]
fn a_program_is_given_the_message_as_json_and_no_shell_reads_its_arguments() {
    let (outcome, folder) = run(
        "cat > in.json; printf '%s|%s' \"$1\" \"$2\" > args; env > env; echo ref-1; echo more",
        &format!("env = {{ TOKEN = \"{PLANTED}\" }}"),
    );
    assert_eq!(
        outcome,
        Outcome::Sent {
            reference: Some("ref-1".to_owned())
        }
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("written");
    assert_eq!(read("args"), "a b|$HOME");
    let input: Value = serde_json::from_str(&read("in.json")).expect("JSON");
    assert_eq!(input["what"], "alert");
    assert_eq!(input["thread"], "first");
    assert_eq!(
        input["title"],
        "NEW STORY · Seoul's presidential office: a meeting is planned · Panmunjom, 21 Apr, in 50 days"
    );
    assert_eq!(input["message"]["story"]["id"], 17);
    let env = read("env");
    assert!(env.contains(&format!("TOKEN={PLANTED}")), "{env}");
    // The test program's own, which cargo sets.
    assert!(!env.contains("CARGO"), "{env}");
}

#[test]
fn it_runs_in_the_configurations_folder_also_when_that_is_named_without_a_folder() {
    let desk = Desk::new(
        "[[channels]]\nname = \"desk\"\nkind = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"cat > told; echo t1\"]",
    );
    let said = desk.run(&["notify", "test", "desk"]).well();
    assert_eq!(said.trim(), "desk took the test message and knows it as t1");
    assert!(desk.has("told"));
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let (outcome, _folder) = run(
        script,
        &format!("timeout = \"1s\"\nenv = {{ TOKEN = \"{PLANTED}\" }}"),
    );
    assert_eq!(format!("{outcome:?}"), expected);
}

#[test]
fn its_exit_status_says_what_came_of_it() {
    check("exit 0", "Sent { reference: None }");
    check(
        "echo later >&2; exit 75",
        "Retry { why: \"asks to be tried again (75): later\", not_before: None }",
    );
    check("exit 1", "Refused(\"exit status 1\")");
    check(
        "echo \"bad $TOKEN\" >&2; exit 2",
        "Refused(\"exit status 2: bad ***\")",
    );
    check(
        "kill -9 $$",
        "Retry { why: \"was killed\", not_before: None }",
    );
    check(
        "exec sleep 30",
        "Retry { why: \"did not end within 1 s\", not_before: None }",
    );
    // What it starts and leaves behind is its own affair.
    check(
        "sleep 30 & echo told; exit 0",
        "Sent { reference: Some(\"told\") }",
    );
    // More than a pipe holds, and nothing is read.
    check(
        "head -c 300000 /dev/zero; exit 0",
        "Sent { reference: None }",
    );
}

#[test]
fn a_program_that_cannot_start_is_tried_again() {
    let folder = tempfile::TempDir::new().expect("a folder");
    fs::write(folder.path().join("tell"), "not made to run").expect("written");
    let channel =
        open("kind = \"exec\"\ncommand = [\"./tell\"]", folder.path()).expect("a channel");
    match crate::world::runtime().block_on(channel.send(&delivery(&alert(), None))) {
        Outcome::Retry { why, .. } => assert!(why.starts_with("cannot start "), "{why}"),
        other => panic!("{other:?}"),
    }
}
