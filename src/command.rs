//! The command line: one thin file per group of commands. Exit status 0 done, 1 failed, 2 wrong
//! usage or configuration.

#[macro_use]
mod output;

mod acts;
mod archive;
mod backtest;
mod care;
mod digest;
mod discover;
mod export;
mod feeds;
mod health;
mod judge;
mod outbox;
mod progress;
mod replay;
mod search;
mod setup;
mod sql;
mod story;
mod topics;
mod watch;
mod why;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Config;
use crate::config::fault::Faults;
use crate::config::file::Span;
use crate::config::place::By;
use crate::text::nearest;

#[derive(Debug, Parser)]
#[command(name = "summitwatch", version, about, long_about = None, max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: ./config, $XDG_CONFIG_HOME/summitwatch, /etc/summitwatch, else the shipped one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "With every command"
    )]
    config: Option<PathBuf>,
    /// Archive [default: `archive` of the configuration; a relative path begins at its folder, for /etc/summitwatch at
    /// /var/lib/summitwatch, without one at $STATE_DIRECTORY or ~/.local/share/summitwatch]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "With every command"
    )]
    archive: Option<PathBuf>,
    /// What to log: error, warn, info, debug or trace, per module if wanted
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "SUMMITWATCH_LOG",
        help_heading = "With every command"
    )]
    log: Option<String>,
    /// How to log [default: journald under systemd, else text]
    #[arg(long, global = true, value_enum, help_heading = "With every command")]
    log_format: Option<LogFormat>,
    /// Times of tables in UTC [default: in the configured zone where they go to a terminal]
    #[arg(long, global = true, help_heading = "With every command")]
    utc: bool,
    /// When tables have colours [default: on a terminal, unless NO_COLOR is set]
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "auto|always|never",
        help_heading = "With every command"
    )]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
    Journald,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: poll, thread, alert
    Run,
    /// Write a commented configuration, topic and lexicon to start from
    Init(setup::Init),
    /// Validate configuration, topics, lexicon and channels, and say what would be done
    Check(setup::Check),
    /// Poll feeds now and report what each gave
    Poll(watch::Poll),
    /// Run the whole service against recorded sample feeds; needs no network
    Demo(watch::Demo),
    /// Feeds and their health
    #[command(subcommand)]
    Feeds(feeds::Feeds),
    /// List items, the newest first
    Items(archive::Items),
    /// List stories, the latest first
    Stories(archive::Listing),
    /// List alerts, the latest first, or acknowledge one
    Alerts(outbox::Alerts),
    /// Mute and follow stories, mark, star and note developments
    #[command(subcommand)]
    Acts(acts::Acts),
    /// List deliveries, the latest first, or send some again
    Deliveries(outbox::Deliveries),
    /// Compose, and send, the digest of a span
    Digest(digest::Compose),
    /// Ask the running service whether it is alive, or ready
    Health(health::Health),
    /// Query the archive with read-only SQL
    Sql(sql::Sql),
    /// Search titles, summaries and articles in all languages
    Search(search::Search),
    /// Why an item matched, threaded and alerted, or not
    Explain(archive::Explain),
    /// For the person who writes rules: check them, test them, find what they miss
    #[command(subcommand)]
    Topics(topics::Topics),
    /// What a changed topic would have matched and alerted over the archive
    Backtest(backtest::Backtest),
    /// Show a story as a timeline: reports with their lag, states, and what was told
    Story(story::Story),
    /// Judge JSON lines from standard input
    Classify(judge::Classify),
    /// Show what the parser makes of a document
    Parse(judge::Parse),
    /// Run recorded items or documents through the whole pipeline in simulated time
    Replay(replay::Replay),
    /// Copy the archive, also while the service runs; the copy is checked
    Backup(care::Backup),
    /// Put a backup in the place of the archive, which is kept beside it
    Restore(care::Restore),
    /// Give the space of what was deleted back to the disk, with the service stopped
    Vacuum,
    /// Write items as JSON lines or CSV
    Export(export::Export),
    /// Test a channel
    #[command(subcommand)]
    Notify(watch::NotifyCommand),
    /// Print shell completions
    Completions(setup::Completions),
    /// Print the manual page
    Man(setup::Man),
}

/// What a command may fail with: usage and configuration exit with 2, the rest with 1.
type Done = anyhow::Result<ExitCode>;

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // The TLS library has no default provider here; without one the first client would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let log = match start_log(&cli) {
        Ok(()) => run(cli),
        Err(error) => Err(error),
    };
    match log {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            for line in format!("{error:#}").lines() {
                eprintln!("error: {line}");
            }
            let usage =
                error.downcast_ref::<Faults>().is_some() || error.downcast_ref::<Usage>().is_some();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

/// Wrong usage that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn run(cli: Cli) -> Done {
    let context = Context {
        config: cli.config,
        archive: cli.archive,
        utc: cli.utc,
        color: cli.color,
    };
    match cli.command {
        Command::Run => watch::run(&context),
        Command::Init(init) => init.run(),
        Command::Check(check) => check.run(&context),
        Command::Poll(poll) => poll.run(&context),
        Command::Demo(demo) => demo.run(),
        Command::Feeds(feeds) => feeds.run(&context),
        Command::Items(items) => items.run(&context),
        Command::Stories(listing) => listing.run(&context, None, crate::store::listing::stories),
        Command::Alerts(alerts) => alerts.run(&context),
        Command::Acts(acts) => acts.run(&context),
        Command::Deliveries(deliveries) => deliveries.run(&context),
        Command::Digest(digest) => digest.run(&context),
        Command::Health(health) => health.run(&context),
        Command::Sql(sql) => sql.run(&context),
        Command::Search(search) => search.run(&context),
        Command::Explain(explain) => explain.run(&context),
        Command::Topics(topics) => topics.run(&context),
        Command::Backtest(backtest) => backtest.run(&context),
        Command::Story(story) => story.run(&context),
        Command::Classify(classify) => classify.run(&context),
        Command::Parse(parse) => parse.run(&context),
        Command::Replay(replay) => replay.run(&context),
        Command::Backup(backup) => backup.run(&context),
        Command::Restore(restore) => restore.run(&context),
        Command::Vacuum => care::vacuum(&context),
        Command::Export(export) => export.run(&context),
        Command::Notify(notify) => notify.run(&context),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// What every command may need.
struct Context {
    config: Option<PathBuf>,
    archive: Option<PathBuf>,
    utc: bool,
    color: Color,
}

impl Context {
    /// How tables look here: what goes to a file or a program stands whole, in UTC and without colours.
    fn look(&self) -> output::Look {
        let out = std::io::stdout();
        let on_terminal = out.is_terminal();
        let zone = (on_terminal && !self.utc)
            .then(|| self.config().ok())
            .flatten();
        output::Look {
            width: terminal_size::terminal_size_of(&out)
                .filter(|_| on_terminal)
                .map(|it| usize::from(it.0.0)),
            zone: zone.map(|it| it.zone),
            color: match self.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => {
                    on_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
                }
            },
        }
    }

    fn config(&self) -> Result<Config, Faults> {
        let mut config = Config::find(self.config.as_deref())?;
        if let Some(archive) = &self.archive {
            config.archive.clone_from(archive);
            config.archive_by = By::Option;
        }
        Ok(config)
    }

    /// What could be read of the configuration, with every fault.
    fn examine(&self) -> (Option<Config>, Faults) {
        let (mut config, faults) = Config::examine_found(self.config.as_deref());
        if let (Some(config), Some(archive)) = (&mut config, &self.archive) {
            config.archive.clone_from(archive);
            config.archive_by = By::Option;
        }
        (config, faults)
    }

    /// The archive's path, for commands that only read it.
    fn archive(&self) -> Result<PathBuf, Faults> {
        match &self.archive {
            Some(path) => Ok(path.clone()),
            None => Ok(self.config()?.archive),
        }
    }
}

fn start_log(cli: &Cli) -> anyhow::Result<()> {
    let serves = matches!(cli.command, Command::Run);
    let level = cli
        .log
        .as_deref()
        .unwrap_or(if serves { "info" } else { "warn" });
    // What TLS libraries say of a handshake names no feed; the visit's own line says it again and does.
    let level = format!("{level},rustls=off,rustls_platform_verifier=off");
    let filter =
        EnvFilter::try_new(&level).map_err(|error| Usage(format!("--log {level}: {error}")))?;
    // Under systemd standard error is the journal's; its own protocol keeps the fields.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some() && serves;
    let format = cli.log_format.unwrap_or(if journal {
        LogFormat::Journald
    } else {
        LogFormat::Text
    });
    let registry = tracing_subscriber::registry().with(filter);
    let text = || {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
    };
    match format {
        LogFormat::Text => registry.with(text()).init(),
        LogFormat::Json => registry.with(text().json().flatten_event(true)).init(),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => registry.with(layer).init(),
            Err(error) => {
                registry.with(text()).init();
                tracing::warn!(%error, "no journal here; logging to standard error");
            }
        },
    }
    Ok(())
}

/// `summitwatch items | head` ends quietly.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|it| it.downcast_ref::<std::io::Error>())
        .any(|it| it.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Refuses a name that nothing has, with the nearest one.
fn known<'a>(
    what: &str,
    given: Option<&str>,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> anyhow::Result<()> {
    let Some(given) = given else { return Ok(()) };
    if names
        .clone()
        .into_iter()
        .any(|it| it.eq_ignore_ascii_case(given))
    {
        return Ok(());
    }
    let nearest = nearest(given, names).map(|it| format!("; did you mean \"{it}\"?"));
    let message = format!(
        "there is no {what} \"{given}\" here{}",
        nearest.unwrap_or_default()
    );
    Err(Usage(message).into())
}

/// For `--since 24h` and the like.
fn span(text: &str) -> Result<Span, String> {
    text.parse()
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // One thread turns the loops; parsing and the archive have two blocking threads, the dashboard's
    // questions two more while they are asked. More would bring no more speed, and a thread that
    // rests keeps some of what it freed.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .build()?;
    let value = runtime.block_on(future);
    // A parse that ran over its limit may still hold a thread; it must not hold the exit.
    runtime.shutdown_background();
    value
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
