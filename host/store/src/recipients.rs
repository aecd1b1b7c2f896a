//! To whom an event is delivered. Its writer may name the plugins and subscriptions that get it, or say that nobody does.
//!
//! Recipients route: they stand in clear in the log row, so that a selector drops an event without opening it. They are no
//! part of the event's digest, as a follower has plugins of its own; the seal of the body binds them, so that a row whose
//! recipients were changed does not open.

use std::sync::Arc;

use crate::{PayloadModeName, RecipientName, rows};

/// How soon an event is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// When its turn comes.
    #[default]
    Normal = 0,
    /// Before what waits of other aggregates, where the recipient can take it so.
    Urgent = 1,
}

/// One plugin or subscription that is to get an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its name.
    pub name: RecipientName,
    /// The most that it gets of this event; none: all that it gets of any.
    pub mode: Option<PayloadModeName>,
    /// How soon.
    pub priority: Priority,
}

/// To whom an event is delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recipients {
    /// To whoever selects it.
    #[default]
    Everyone,
    /// To these, as far as they select it; to nobody, if there is none.
    Only(Arc<[Recipient]>),
}

impl Recipients {
    /// Whether a plugin or subscription of this name may get the event.
    #[must_use]
    pub fn include(&self, name: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(_) => self.named(name).is_some(),
        }
    }

    /// What is said of a plugin or subscription by its name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Recipient> {
        match self {
            Self::Everyone => None,
            Self::Only(list) => list.iter().find(|recipient| recipient.name.as_str() == name),
        }
    }

    /// Whether it is urgent to anybody.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Everyone => false,
            Self::Only(list) => list.iter().any(|recipient| recipient.priority == Priority::Urgent),
        }
    }

    /// As they stand in the row, and as the seal binds them; for everyone, nothing.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self::Only(list) = self else { return Vec::new() };
        let mut out = vec![u8::try_from(list.len()).expect("at most RECIPIENTS")];
        for recipient in &**list {
            rows::short_text(&mut out, recipient.name.as_str());
            rows::short_text(&mut out, recipient.mode.as_ref().map_or("", PayloadModeName::as_str));
            out.push(recipient.priority as u8);
        }
        out
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, rows::RowFault> {
        if bytes.is_empty() {
            return Ok(Self::Everyone);
        }
        let mut reader = rows::Reader::new("log", bytes);
        let mut list = Vec::new();
        for _ in 0..reader.u8()? {
            let name = RecipientName::trusted(reader.short_text()?);
            let mode = Some(reader.short_text()?).filter(|mode| !mode.is_empty()).map(PayloadModeName::trusted);
            let priority = match reader.u8()? {
                0 => Priority::Normal,
                1 => Priority::Urgent,
                _ => return Err(reader.fault("unknown priority")),
            };
            list.push(Recipient { name, mode, priority });
        }
        reader.end()?;
        Ok(Self::Only(list.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Domain, Draft, EventQuery, Filter, Header, MasterKey, NewEvent, NewRecipient, OpenOptions, Subject,
        rows::{EventRow, EventView},
        system_clock,
    };

    fn recipients() -> impl Strategy<Value = Recipients> {
        let name = prop::sample::select(&["mailer", "a", "UA:1.x"][..]);
        let mode = prop::option::of(prop::sample::select(&["event-only", "discreet"][..]));
        let recipient = (name, mode, any::<bool>()).prop_map(|(name, mode, urgent)| Recipient {
            name: name.parse().expect("a name"),
            mode: mode.map(|mode| mode.parse().expect("a mode")),
            priority: if urgent { Priority::Urgent } else { Priority::Normal },
        });
        prop::option::of(prop::collection::vec(recipient, 0..4))
            .prop_map(|list| list.map_or(Recipients::Everyone, |list| Recipients::Only(list.into())))
    }

    proptest! {
        #[test]
        fn they_read_as_they_were_written(one in recipients(), other in recipients(), noise in prop::collection::vec(any::<u8>(), 0..20)) {
            let bytes = one.encode();
            prop_assert_eq!(&Recipients::decode(&bytes).expect("reads"), &one);
            prop_assert_eq!(bytes == other.encode(), one == other, "no two have the same bytes");
            // Whatever stands there, it is read or refused.
            drop(Recipients::decode(&noise));
            prop_assert!(Recipients::decode(&[&*one.encode(), &[0]].concat()).is_err() || one == Recipients::Everyone);
        }
    }

    #[test]
    fn nobody_is_not_everyone() {
        let nobody = Recipients::Only(Arc::from([]));
        assert!(Recipients::Everyone.include("a") && !nobody.include("a"));
        assert_ne!(nobody.encode(), Recipients::Everyone.encode());
    }

    #[test]
    fn a_row_whose_recipients_were_changed_does_not_open() {
        let dir = tempfile::tempdir().expect("a directory");
        let (name, options) = ("default".parse().expect("a name"), OpenOptions::new(system_clock()));
        let domain = Domain::open(dir.path(), name, &MasterKey::generate(), options).expect("opens");
        let mailer = NewRecipient { name: "mailer".into(), ..NewRecipient::default() };
        let lists = [
            None,
            Some(Vec::new()),
            Some(vec![mailer.clone()]),
            Some(vec![NewRecipient { mode: Some("all".into()), ..mailer.clone() }]),
            Some(vec![NewRecipient { priority: Priority::Urgent, ..mailer }]),
        ];
        let write = |publish: &Option<Vec<NewRecipient>>| {
            let event = NewEvent { publish: publish.clone(), ..NewEvent::new("order", "o-1", "placed", "{}") };
            domain.append(Draft::one(event, "alice")).expect("appends").events.remove(0)
        };
        let receipts: Vec<_> = lists.iter().map(write).collect();
        let headers: Vec<_> =
            receipts.iter().map(|it| domain.event(it.event_id).expect("reads").expect("is").header).collect();
        let log = &domain.inner.files.spaces.log;
        let filter = Filter::parse("actor = 'alice'", Subject::Events).expect("parses");
        let filtered =
            || domain.events(&EventQuery { filter: Some(filter.clone()), limit: 9, ..EventQuery::default() });
        assert_eq!(filtered().expect("reads").rows.len(), lists.len());
        for header in &headers {
            let key = header.position.get().to_be_bytes();
            let kept = log.get(key).expect("reads").expect("there");
            for other in headers.iter().filter(|other| other.recipients != header.recipients) {
                let EventView { key_id, commitment_kind, compressed, sealed, .. } =
                    EventView::decode(header.position, &kept).expect("decodes");
                let changed = Header { recipients: other.recipients.clone(), ..header.clone() };
                let forged = EventRow { header: changed, key_id, commitment_kind, compressed, sealed };
                log.insert(key, forged.encode()).expect("writes");
                let (forged, told) = (&other.recipients, domain.event(header.event_id));
                assert!(told.is_err(), "{:?} as {forged:?}", header.recipients);
                assert!(filtered().is_err());
                let found = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report").findings;
                assert!(found[0].contains("does not open"), "{found:?}");
            }
            log.insert(key, kept).expect("writes");
        }
        assert_eq!(
            domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report").findings,
            Vec::<String>::new()
        );
    }
}
