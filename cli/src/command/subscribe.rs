//! `dbx subscribe`: deliveries on standard output, one a line, acknowledged once they are written there.

use eventdbx_node::wire::{AckAnswer, AckRequest, Raw};
use serde::Deserialize;

use crate::{json, output, session::Session};

/// How long one request waits for something to deliver.
const WAIT_MS: u64 = 30_000;
/// Deliveries that are asked for at a time, unless told otherwise.
const BATCH: u64 = 100;

/// Read a subscription: one delivery a line, each acknowledged once it is written
///
/// Lines are JSON, whatever --format says. Those who read one subscription are a group and share it; the events of an aggregate
/// are never with two of them at once. What a reader that is gone had not acknowledged goes to the others after the time-out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the subscription
    name: String,
    /// Take part in its group under this name [default: a name that nobody else has]
    #[arg(long, value_name = "MEMBER")]
    group: Option<String>,
    /// Acknowledge nothing: what is read comes again after the time-out, unless `dbx subscription ack` is told of it
    #[arg(long)]
    no_ack: bool,
    /// End after so many deliveries
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// End when there is nothing to deliver now
    #[arg(long)]
    once: bool,
    /// Take at most so many at a time: what is taken and not written yet is nobody else's [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
}

#[derive(Deserialize)]
struct Deliveries {
    rows: Vec<Raw>,
}

#[derive(Deserialize)]
struct Delivery {
    ack: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let member = self.group.clone().unwrap_or_else(own_name);
        let (batch, wait) = (self.batch.unwrap_or(BATCH), if self.once { 0 } else { WAIT_MS });
        let mut left = self.max.unwrap_or(u64::MAX);
        while left > 0 {
            let target = session
                .at(["subscriptions", &self.name, "deliveries"])
                .query("member", Some(&member))
                .query("max", Some(batch.min(left)))
                .query("wait_ms", Some(wait));
            let Deliveries { rows } = serde_json::from_str(&session.get(target).await?)?;
            if rows.is_empty() && self.once {
                break;
            }
            left = left.saturating_sub(rows.len() as u64);
            self.write(session, &rows).await?;
        }
        Ok(())
    }

    /// Writes deliveries, and acknowledges those that are written, also where the rest cannot be.
    async fn write(&self, session: &Session, rows: &[Raw]) -> anyhow::Result<()> {
        let (mut acks, mut failed) = (Vec::with_capacity(rows.len()), None);
        for row in rows {
            let Delivery { ack } = serde_json::from_str(row.get())?;
            if let Err(error) = output::line(&json::compact(row.get())) {
                failed = Some(error);
                break;
            }
            acks.push(ack);
        }
        if !self.no_ack && !acks.is_empty() {
            let target = session.at(["subscriptions", &self.name, "ack"]);
            let answer = session.post(target, &AckRequest { acks }).await?;
            let AckAnswer { stale, .. } = serde_json::from_str(&answer)?;
            if !stale.is_empty() {
                output::note(&format!(
                    "{} came too late to be acknowledged, and will come again",
                    output::some(stale.len() as u64, "delivery")
                ));
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// A name for this process, as long as it runs.
fn own_name() -> String {
    let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("dbx-{}-{:x}", std::process::id(), begun.subsec_nanos())
}
