//! Which snapshots are taken, and that each is in the log.

use eventdbx_store::{AppendError, Position, Version};
use serde_json::{Value, json};

use crate::{
    model::Kept,
    operations::{Body, Request},
    world::{ACTOR, World},
};

/// Where the store records snapshots.
const LOG: &str = "$domain/snapshots";
/// Who takes those that nobody asked for.
const STORE: &str = "$store";

/// A version of an aggregate that a snapshot is taken of.
pub(crate) type Due = (String, u64);

impl World {
    /// What a request made due, its events being in the model: each multiple of the threshold, but with patches in the
    /// request only the last version that it makes is known.
    pub(crate) fn keep_due(&mut self, request: &Request, names: &[&str]) {
        let mut due: Vec<Due> = Vec::new();
        let first = self.model.events.len() - names.len();
        let mut waits = std::collections::BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let same = |other: &usize| names[*other] == *name;
            let is_patched =
                (0..names.len()).filter(same).any(|other| matches!(request.events[other].body, Body::Patch(_)));
            let is_last = !(index + 1..names.len()).any(|other| same(&other));
            let version = self.model.events[first + index].version;
            if !self.due_at(name, version).is_empty() {
                waits.insert(*name);
            }
            if (!is_patched || is_last) && waits.remove(name) {
                due.push(((*name).to_owned(), version));
            }
        }
        self.keep_snapshots(due);
    }

    pub(crate) fn due_at(&self, name: &str, version: u64) -> Vec<Due> {
        let threshold = u64::from(self.threshold);
        let is_due = threshold > 0 && version.is_multiple_of(threshold);
        if is_due { vec![(name.to_owned(), version)] } else { Vec::new() }
    }

    /// Takes the events of snapshots into the model, which the store has to have recorded.
    pub(crate) fn keep_snapshots(&mut self, due: Vec<Due>) {
        for due in due {
            self.keep_snapshot(due, STORE);
        }
    }

    /// A snapshot on demand.
    pub(crate) fn snapshot(&mut self, name: &str) {
        let version = self.model.version(name);
        let answer = self.domain().take_snapshot(&name.parse().expect("a name"), ACTOR);
        match answer {
            Ok(info) => {
                assert!(version > 0 && info.version.get() == version);
                if !self.model.snapshots.contains_key(&(name.to_owned(), version)) {
                    self.keep_snapshot((name.to_owned(), version), ACTOR);
                }
                assert!(info.position.get() <= self.model.events.len() as u64);
            }
            Err(AppendError::WrongVersion { actual, .. }) => assert_eq!((actual.get(), version), (0, 0)),
            Err(other) => panic!("{other}"),
        }
    }

    fn keep_snapshot(&mut self, (name, version): Due, actor: &'static str) {
        let position = Position::new(self.model.events.len() as u64 + 1);
        let event = self.domain().scan(position).next().expect("recorded").and_then(|row| row.open()).expect("opens");
        let text = event.body.payload.as_str().to_owned();
        let mut payload: Value = serde_json::from_str(&text).expect("JSON");
        let hash = payload.as_object_mut().and_then(|members| members.remove("hash")).expect("a hash");
        let (kind, id) = name.split_once('/').expect("type/id");
        assert_eq!(payload, json!({"aggregate_type": kind, "aggregate_id": id, "version": version}));

        let kept = self.model.of(&name).find(|event| event.version == version).expect("a version").clone();
        let name_of = name.parse().expect("a name");
        let snapshot = self.domain().snapshot(&name_of, Version::new(version)).expect("opens").expect("there");
        assert_eq!(snapshot.info.position, position);
        assert_eq!(hash, json!(snapshot.info.hash));
        assert_eq!(snapshot.computed_hash(), snapshot.info.hash);
        assert_eq!(snapshot.state.as_str(), serde_jcs::to_string(&kept.state).expect("canonical"));
        let found = self.domain().verify_snapshot(&name_of, Version::new(version)).expect("reads");
        assert_eq!(found, Some(Vec::new()));

        self.model.snapshots.insert((name, version), kept.state);
        self.keep(Kept {
            aggregate: LOG.to_owned(),
            version: 0,
            event_type: "$snapshot_taken".to_owned(),
            body: Body::Payload(json!({})),
            metadata: None,
            extensions: None,
            note: None,
            occurred_at: None,
            publish: None,
            state: json!({}),
            key: None,
            receipt: event.receipt(),
            actor,
            text,
        });
    }
}
