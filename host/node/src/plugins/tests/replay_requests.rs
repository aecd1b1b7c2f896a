//! What is asked for when something is to be replayed: what it comes to, and what is refused.

use eventdbx_sandbox::Descriptor;
use eventdbx_store::{Micros, Position};

use super::world::{World, descriptor};
use crate::plugins::{
    PayloadMode, PluginLimits, ReplayRequest, Work,
    jobs::{Plan, Span},
};

/// What a request comes to for a read model with one table.
pub(super) fn plan(
    world: &World,
    request: &ReplayRequest,
    change: impl FnOnce(&mut Descriptor),
) -> Result<Plan, String> {
    let mut descriptor = descriptor();
    descriptor.tables.push(eventdbx_sandbox::Table {
        name: "rows".to_owned(),
        key_format: "text".to_owned(),
        value_format: "text".to_owned(),
    });
    change(&mut descriptor);
    let domain = (&world.domain, Micros::default());
    Plan::new(request, ("ledger", &descriptor), PayloadMode::All, domain).map_err(|error| error.to_string())
}

fn request(change: impl FnOnce(&mut ReplayRequest)) -> ReplayRequest {
    let mut request = ReplayRequest::default();
    change(&mut request);
    request
}

/// The author says that its tables bear an event twice.
pub(super) fn idempotent(descriptor: &mut Descriptor) {
    descriptor.capabilities.push("idempotent".to_owned());
}

#[test]
fn what_is_asked_for_decides_the_work() {
    let world = World::new(PluginLimits::default());
    world.append_many(30, 3);
    let from = request(|request| request.from = Some(7));
    let whole = plan(&world, &ReplayRequest::default(), |_| ()).unwrap();
    assert_eq!((whole.work, whole.span), (Work::Rebuild, Span::whole()));
    let stretch = plan(&world, &from, idempotent).unwrap();
    assert_eq!((stretch.work, stretch.span.from.get(), stretch.span.to), (Work::Stretch, 7, Some(Position::new(30))));
    let sent = plan(&world, &from, |descriptor| descriptor.tables.clear()).unwrap();
    assert_eq!(sent.work, Work::Stretch);
    let dry = plan(&world, &ReplayRequest { dry_run: true, ..from }, |_| ()).unwrap();
    assert_eq!(dry.work, Work::DryRun);
}

#[test]
fn what_cannot_be_is_refused_with_every_reason() {
    let world = World::new(PluginLimits::default());
    world.append_many(30, 3);
    let refused = plan(&world, &request(|request| request.to = Some(9)), |_| ()).unwrap_err();
    assert!(refused.contains("idempotent") && refused.contains("dry run"), "{refused}");
    let bad = ReplayRequest {
        aggregate_type: Some("Thing".to_owned()),
        from: Some(0),
        to: Some(31),
        since: Some("yesterday".to_owned()),
        rate: Some(0),
        ..ReplayRequest::default()
    };
    let refused = plan(&world, &bad, idempotent).unwrap_err();
    for part in ["Thing", "`from` is 0", "ends at 30", "\"yesterday\"", "`rate`"] {
        assert!(refused.contains(part), "{part} is missing in {refused}");
    }
    let alone = request(|request| request.aggregate_id = Some("t1".to_owned()));
    assert!(plan(&world, &alone, idempotent).unwrap_err().contains("needs `aggregate_type`"));
    let upside_down = request(|request| (request.from, request.to) = (Some(9), Some(8)));
    assert!(plan(&world, &upside_down, idempotent).unwrap_err().contains("no event"));
    let nothing_kept = |descriptor: &mut Descriptor| descriptor.tables.clear();
    assert!(plan(&world, &ReplayRequest::default(), nothing_kept).unwrap_err().contains("everything"));
    let dry = request(|request| request.dry_run = true);
    assert!(plan(&world, &dry, nothing_kept).unwrap_err().contains("nothing to compare"));
}

#[test]
fn times_are_found_among_the_positions() {
    let world = World::new(PluginLimits::default());
    world.append_many(50, 3);
    let rows: Vec<_> = world.domain.scan(Position::new(1)).map(|row| row.unwrap().header.recorded_at).collect();
    let at = |index: usize| rows[index].to_rfc3339();
    let first = |time| rows.iter().position(|row| *row >= time).map_or(rows.len(), |index| index) as u64 + 1;
    let between = request(|request| (request.since, request.until) = (Some(at(10)), Some(at(40))));
    let span = plan(&world, &between, idempotent).unwrap().span;
    assert_eq!((span.from.get(), span.to.unwrap().get()), (first(rows[10]), first(rows[40]) - 1));
    let ever = request(|request| request.since = Some("2000-01-01".to_owned()));
    let span = plan(&world, &ever, idempotent).unwrap().span;
    assert_eq!((span.from.get(), span.to.unwrap().get()), (1, 50));
    let never = request(|request| request.until = Some("2000-01-01".to_owned()));
    assert!(plan(&world, &never, idempotent).unwrap_err().contains("no event"));
}
