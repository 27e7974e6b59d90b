//! Presses the dead man's switch while the loops turn, the archive is there and feeds can be reached. When one of
//! them fails the switch is let go, and its service tells.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::daemon::{Pulse, Setup, stopped};
use crate::store::{Store, outages};

/// Between two looks at a configuration without a heartbeat.
const NEXT_LOOK: Duration = Duration::from_secs(60);
/// The loops turn at least every 15 s; a service that hangs for longer is not alive.
pub(super) const ALIVE: Duration = Duration::from_secs(120);

pub(super) async fn run(
    store: Arc<Store>,
    mut setups: watch::Receiver<Arc<Setup>>,
    mut stopping: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
) {
    let mut failing = false;
    loop {
        let heartbeat = setups.borrow_and_update().heartbeat.clone();
        let wait = heartbeat.as_ref().map_or(NEXT_LOOK, |it| it.every);
        if let Some(heartbeat) = &heartbeat
            && is_well(&store, &pulse)
        {
            match heartbeat.press().await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!("heartbeat: {error}"),
                Err(error) => {
                    failing = true;
                    tracing::warn!(
                        "the heartbeat does not arrive: {error}; it is sent again every {} s",
                        wait.as_secs()
                    );
                }
            }
        }
        tokio::select! {
            () = stopped(&mut stopping) => return,
            Ok(()) = setups.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn is_well(store: &Store, pulse: &Pulse) -> bool {
    let sees = || matches!(store.read(outages::lasting), Ok(None));
    pulse.alive(ALIVE) && store.check_file().is_ok() && sees()
}
