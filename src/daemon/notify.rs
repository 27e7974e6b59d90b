//! systemd's notify protocol (sd_notify(3)); silent where the service was not started by it.

use std::time::Duration;

use sd_notify::NotifyState;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "sd_notify");
    }
}

pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// systemd 253 and later want the time with it (Type=notify-reload).
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How long systemd waits for a sign of life, if it does.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}
