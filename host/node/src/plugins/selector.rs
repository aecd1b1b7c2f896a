//! Which events a plugin sees, and how much of each: decided before the sandbox is entered, and from what stands in clear in
//! the log where that is enough.
//!
//! Two selectors hold at once: the plugin's own (the widest that it can use) and that of its installation. EventDBX's own
//! events, and aggregates of its own, pass only where one of the two names them with a `$`.

use std::sync::Arc;

use eventdbx_sandbox::{Parts, Selector as Widest};
use eventdbx_store::{Event, Filter, Header, Priority, ReadError};

use super::{
    PayloadMode,
    feed::Row,
    fields::FieldFilter,
    glob::Glob,
    shaping::{Lens, Shapers},
    slice::{ModeMap, Slice},
};

/// What both selectors let through.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    /// Who selects: an event that names its recipients passes only if this is one of them.
    name: Arc<str>,
    /// It is fed with nothing but such events, and those of EventDBX's own that it asks for.
    pub(super) only_named: bool,
    own: Clauses,
    installed: Clauses,
    /// The parts of an event that the plugin can use.
    parts: Parts,
    /// The fields that it can use and those that the installation selects: all of them hold.
    pub(super) fields: Vec<Arc<FieldFilter>>,
    /// The most that was granted.
    pub(super) max_mode: Option<PayloadMode>,
    /// Only events that pass.
    pub(super) filter: Option<Arc<Filter>>,
    /// The components of payload modes that shape for this receiver.
    shapers: Arc<Shapers>,
}

/// An event passes if it passes every clause that is not empty.
#[derive(Debug, Clone, Default)]
struct Clauses {
    types: Vec<Glob>,
    ids: Vec<Glob>,
    /// `type` or `type/id`: globs over the type, and over the id where one is given.
    aggregates: Vec<(Glob, Option<Glob>)>,
    events: Vec<Glob>,
}

impl Selector {
    /// Compiles the widest that the plugin can use and the globs of its installation; every bad glob is reported.
    pub(super) fn new(widest: &Widest, aggregates: &[String], events: &[String]) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut globs = |patterns: &[String]| -> Vec<Glob> {
            patterns.iter().filter_map(|pattern| Glob::new(pattern).map_err(|fault| faults.push(fault)).ok()).collect()
        };
        let own = Clauses {
            types: globs(&widest.aggregate_types),
            ids: globs(&widest.aggregate_ids),
            events: globs(&widest.event_types),
            ..Clauses::default()
        };
        let events = globs(events);
        let aggregates =
            aggregates.iter().filter_map(|text| pair(text).map_err(|fault| faults.push(fault)).ok()).collect();
        let installed = Clauses { aggregates, events, ..Clauses::default() };
        let fields = match FieldFilter::own(&widest.fields) {
            Ok(fields) => fields.map(Arc::new).into_iter().collect(),
            Err(more) => {
                faults.extend(more);
                Vec::new()
            }
        };
        let parts = widest.parts;
        if faults.is_empty() {
            let shapers = Arc::default();
            let name = Arc::from("");
            Ok(Self { name, only_named: false, own, installed, parts, fields, max_mode: None, filter: None, shapers })
        } else {
            Err(faults)
        }
    }

    /// The same, for whom it selects: a plugin or a subscription. Without that, what names its recipients does not pass.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The most that the writer of an event lets this recipient see of it, if the writer said so.
    pub(super) fn mode_of(&self, header: &Header) -> Option<PayloadMode> {
        let mode = header.recipients.named(&self.name)?.mode.as_ref()?;
        // Names of modes follow one rule, so that this one reads; what does not would carry nothing.
        mode.as_str().parse().ok()
    }

    /// Whether the writer of an event finds it urgent for this recipient.
    pub(super) fn is_urgent(&self, header: &Header) -> bool {
        header.recipients.named(&self.name).is_some_and(|recipient| recipient.priority == Priority::Urgent)
    }

    /// The most that the plugin may see: what it can use, as far as it was granted.
    pub(super) fn ceiling(&self, modes: &ModeMap) -> Slice {
        let own = Slice { parts: self.parts, fields: self.fields.clone() };
        match self.max_mode {
            // A mode that is gone grants nothing.
            Some(mode) => own.and(Slice::of(mode, modes).unwrap_or_default()),
            None => own,
        }
    }

    /// What a mode comes to for this plugin: what it names, as far as the plugin may see it.
    pub(super) fn slice(&self, mode: PayloadMode, modes: &ModeMap) -> Slice {
        self.ceiling(modes).and(Slice::of(mode, modes).unwrap_or_default())
    }

    /// The component that shapes what the slice of a mode lets through, if the mode is one. A mode that is gone shapes
    /// nothing, and fails: what was to be shaped or cut by it is held back.
    pub(super) fn lens(&self, mode: PayloadMode, modes: &ModeMap) -> Option<Lens> {
        let PayloadMode::Named(name) = mode else { return None };
        match modes.get(&name) {
            Some(mode) => mode.shaping.as_ref().map(|shaping| self.shapers.lens(name, shaping)),
            None => Some(Lens::gone(name)),
        }
    }

    /// Whether the plugin sees an event that is open.
    pub(super) fn admits_event(&self, event: &Event) -> bool {
        self.admits(&event.header) && self.filter.as_ref().is_none_or(|filter| filter.matches(event))
    }

    /// Whether an event that [`admits`](Self::admits) lets through passes the filter; opens it only if its header does not
    /// decide.
    pub(super) fn passes(&self, header: &Header, row: impl FnOnce() -> Row) -> Result<bool, ReadError> {
        let Some(filter) = &self.filter else { return Ok(true) };
        match filter.decide_by_header(header) {
            Some(passes) => Ok(passes),
            None => Ok(filter.matches(&**row().event()?)),
        }
    }

    /// Whether the plugin sees this event, as far as globs decide: [`passes`](Self::passes) has the last word.
    pub(super) fn admits(&self, header: &Header) -> bool {
        let (own, installed) = (&self.own, &self.installed);
        if header.event_type.is_system() && !own.names_system_events() && !installed.names_system_events() {
            return false;
        }
        if header.aggregate.kind.is_system() && !own.names_system_aggregates() && !installed.names_system_aggregates() {
            return false;
        }
        if self.only_named && !header.event_type.is_system() && header.recipients.named(&self.name).is_none() {
            return false;
        }
        header.recipients.include(&self.name) && own.admit(header) && installed.admit(header)
    }
}

impl Clauses {
    fn admit(&self, header: &Header) -> bool {
        let (kind, id) = (header.aggregate.kind.as_str(), header.aggregate.id.as_str());
        let aggregate =
            |(kinds, ids): &(Glob, Option<Glob>)| kinds.matches(kind) && ids.as_ref().is_none_or(|ids| ids.matches(id));
        any(&self.types, |glob| glob.matches(kind))
            && any(&self.ids, |glob| glob.matches(id))
            && any(&self.aggregates, aggregate)
            && any(&self.events, |glob| glob.matches(header.event_type.as_str()))
    }

    fn names_system_events(&self) -> bool {
        self.events.iter().any(Glob::is_system)
    }

    fn names_system_aggregates(&self) -> bool {
        self.types.iter().chain(self.aggregates.iter().map(|(kinds, _)| kinds)).any(Glob::is_system)
    }
}

/// An empty clause lets everything through.
fn any<T>(clause: &[T], test: impl Fn(&T) -> bool) -> bool {
    clause.is_empty() || clause.iter().any(test)
}

/// `type` or `type/id`.
pub(super) fn pair(text: &str) -> Result<(Glob, Option<Glob>), String> {
    match text.split_once('/') {
        Some((kind, id)) => Ok((Glob::new(kind)?, Some(Glob::new(id)?))),
        None => Ok((Glob::new(text)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use eventdbx_sandbox::{Fields, Parts};
    use eventdbx_store::{
        AggregateNumber, AggregateRef, Digest, EventKind, Micros, Position, Priority, Recipient, Recipients, Version,
    };

    use super::*;

    fn widest(types: &[&str], ids: &[&str], events: &[&str]) -> Widest {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Widest {
            aggregate_types: list(types),
            aggregate_ids: list(ids),
            event_types: list(events),
            parts: Parts::default(),
            fields: Fields::All,
        }
    }

    fn header(aggregate: &str, event_type: &str) -> Header {
        Header {
            position: Position::new(1),
            number: AggregateNumber::new(1),
            aggregate: aggregate.parse::<AggregateRef>().unwrap(),
            version: Version::new(1),
            event_id: "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f".parse().unwrap(),
            event_type: event_type.parse().unwrap(),
            recorded_at: Micros::new(1),
            occurred_at: None,
            schema_version: 0,
            kind: EventKind::Payload,
            recipients: Recipients::Everyone,
            digest: Digest::default(),
        }
    }

    fn admits(own: &Widest, aggregates: &[&str], events: &[&str], aggregate: &str, event: &str) -> bool {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Selector::new(own, &list(aggregates), &list(events)).unwrap().admits(&header(aggregate, event))
    }

    #[test]
    fn both_selectors_hold() {
        let own = widest(&["flight"], &[], &["flight_*"]);
        assert!(admits(&own, &[], &[], "flight/UA1", "flight_departed"));
        assert!(!admits(&own, &[], &[], "order/1", "flight_departed"));
        assert!(!admits(&own, &[], &[], "flight/UA1", "crew_changed"));
        assert!(admits(&own, &["flight/UA*"], &["*_departed"], "flight/UA1", "flight_departed"));
        assert!(!admits(&own, &["flight/AA*"], &[], "flight/UA1", "flight_departed"));
        assert!(!admits(&own, &[], &["*_arrived"], "flight/UA1", "flight_departed"));
        assert!(!admits(&own, &["order"], &[], "order/1", "flight_departed"), "an installation cannot widen");
    }

    #[test]
    fn our_own_events_come_only_when_they_are_named() {
        let any = widest(&[], &[], &[]);
        assert!(admits(&any, &[], &[], "flight/UA1", "flight_departed"));
        assert!(!admits(&any, &[], &[], "flight/UA1", "$archived"));
        assert!(!admits(&any, &[], &["*"], "flight/UA1", "$archived"));
        assert!(admits(&any, &[], &["$archived"], "flight/UA1", "$archived"));
        assert!(admits(&any, &[], &["*", "$*"], "flight/UA1", "$archived"));
        assert!(!admits(&any, &[], &["$*"], "$plugin/a", "$plugin_installed"));
        assert!(admits(&any, &["$plugin"], &["$*"], "$plugin/a", "$plugin_installed"));
        assert!(admits(&widest(&[], &[], &["$archived"]), &[], &[], "flight/UA1", "$archived"));
    }

    #[test]
    fn an_event_that_names_its_recipients_passes_for_them_alone() {
        let recipient = |name: &str| Recipient {
            name: name.parse().unwrap(),
            mode: Some("state-only".parse().unwrap()),
            priority: Priority::Normal,
        };
        let selector = |name: &str| Selector::new(&widest(&["flight"], &[], &[]), &[], &[]).unwrap().named(name);
        let only = |recipients: Vec<Recipient>, aggregate: &str| Header {
            recipients: Recipients::Only(recipients.into()),
            ..header(aggregate, "flight_departed")
        };
        let to_mailer = only(vec![recipient("mailer")], "flight/UA1");
        assert!(selector("mailer").admits(&to_mailer) && !selector("mail").admits(&to_mailer));
        assert!(!selector("mailer").admits(&only(vec![recipient("mailer")], "order/1")), "it does not widen");
        assert!(!selector("mailer").admits(&only(vec![], "flight/UA1")));
        assert_eq!(selector("mailer").mode_of(&to_mailer), Some(PayloadMode::StateOnly));
        assert_eq!(selector("mailer").mode_of(&header("flight/UA1", "flight_departed")), None);
        let on_demand = Selector { only_named: true, ..selector("mailer") };
        assert!(on_demand.admits(&to_mailer) && !on_demand.admits(&header("flight/UA1", "flight_departed")));
    }

    #[test]
    fn every_bad_glob_is_reported() {
        let own = widest(&["[a]"], &[], &[]);
        let faults = Selector::new(&own, &["a/{b}".to_owned()], &["".to_owned()]).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
