//! What EventDBX costs and gives, beside a reference in the same run. `cargo bench -p eventdbx-tests` runs all of it;
//! `cargo bench -p eventdbx-tests -- append socket` the named parts.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod abuse;
mod append;
mod clients;
mod idle;
mod installs;
mod plugins;
mod process;
mod read;
mod report;
mod resident;
mod socket;
mod swaps;

fn main() -> anyhow::Result<()> {
    if process::serve_if_asked()? {
        return Ok(());
    }
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|wanted| wanted == name);
    let mut report = report::Report::default();
    if wanted("append") {
        append::batches(&mut report)?;
        append::long_aggregates(&mut report)?;
    }
    if wanted("extension") {
        append::extension(&mut report)?;
    }
    if wanted("read") {
        read::filters(&mut report)?;
        read::scattered(&mut report)?;
        read::listings(&mut report)?;
    }
    if wanted("socket") {
        socket::clients(&mut report)?;
    }
    if wanted("plugins") {
        plugins::read_models(&mut report)?;
        plugins::bystanders(&mut report)?;
    }
    if wanted("abuse") {
        abuse::neighbours(&mut report)?;
    }
    if wanted("swaps") {
        swaps::hot(&mut report)?;
        swaps::undelivered(&mut report)?;
    }
    if wanted("replays") {
        plugins::replays(&mut report)?;
    }
    if wanted("installs") {
        installs::cold_and_warm(&mut report)?;
    }
    if wanted("subscribers") {
        clients::subscriptions(&mut report)?;
    }
    if wanted("gateways") {
        clients::gateways(&mut report)?;
    }
    if wanted("idle") {
        idle::hundred(&mut report)?;
    }
    if wanted("resident") {
        resident::million(&mut report)?;
    }
    report.close();
    Ok(())
}
