//! Verification: reads every row, unseals it, computes everything anew and compares. It never echoes a stored root.
//!
//! Two passes over the log. By position: each event's digest from its contents, the domain's tree, the tiles, the chain of
//! commit records, the id rows. By aggregate: that versions follow one another, the aggregate's tree and its state.

use fjall::{Readable, Snapshot};
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, Digest, Domain, Position, ReadError, Version,
    digest::{commitments, event_digest},
    files::{Files, OpenedRow, StoredHead, StoredTree},
    json, keys, limits,
    merkle::{self, CompleteTile, Edge, TileSource},
    read::fold,
    rows::{self, CommitRecord},
    snapshot,
};

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct VerifyReport {
    /// Events that were read and recomputed.
    pub events: u64,
    /// Aggregates whose tree and state were recomputed.
    pub aggregates: u64,
    /// The root that came out: of the domain, or of the one aggregate.
    pub root: Digest,
    /// What does not fit, at most [`VERIFY_FINDINGS`](limits::VERIFY_FINDINGS) of it. Empty: all is as it was written.
    pub findings: Vec<String>,
    /// How much does not fit.
    pub finding_count: u64,
}

impl Domain {
    /// Verifies the whole domain, or one aggregate. `progress` is told how many rows are done, and of how many.
    ///
    /// # Errors
    ///
    /// When the disk refuses. Damage is a finding, not an error. None: `only` does not exist.
    pub fn verify(
        &self,
        only: Option<&AggregateRef>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<VerifyReport>, ReadError> {
        let files = &self.inner.files;
        let mut check =
            Verification { files, at: files.db.snapshot(), report: VerifyReport::default(), done: 0, of: 0, progress };
        match only {
            Some(name) => {
                let Some(number) = keys::number_of(&check.at, &files.spaces, name)? else { return Ok(None) };
                check.report.root = check.aggregate(number, name)?;
                check.report.events = check.done;
            }
            None => {
                check.domain()?;
                check.all_aggregates()?;
            }
        }
        Ok(Some(check.report))
    }
}

struct Verification<'a> {
    files: &'a Files,
    at: Snapshot,
    report: VerifyReport,
    done: u64,
    of: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Verification<'_> {
    /// The pass by position.
    fn domain(&mut self) -> Result<(), ReadError> {
        let last = match self.at.last_key_value(&self.files.spaces.log) {
            Some(row) => rows::number(&row.key()?, "log")?,
            None => 0,
        };
        self.of = 2 * last;
        let mut tree = Edge::default();
        let mut records = self.at.iter(&self.files.spaces.commits);
        let mut previous: Option<(CommitRecord, Digest)> = None;
        for position in (1..=last).map(Position::new) {
            let digest = self.event_at(position).map(|opened| opened.event.header.digest);
            let leaf = merkle::domain_leaf(position, &digest.unwrap_or_default());
            self.grow(AggregateNumber::default(), &mut tree, leaf);
            let due = previous.as_ref().map_or(1, |(record, _)| record.last.get() + 1);
            if position.get() >= due {
                previous = self.next_record(&mut records, position, previous)?;
            }
            if let Some((record, _)) = previous.as_ref().filter(|(record, _)| record.last == position)
                && record.root != tree.root()
            {
                self.found(format!("commit {position}: its root is not that of the events up to it"));
            }
            self.tick();
        }
        self.report.events = last;
        self.report.root = tree.root();
        Ok(())
    }

    /// The commit record of the batch that begins at `first`, checked against the one before.
    fn next_record(
        &mut self,
        records: &mut fjall::Iter,
        first: Position,
        previous: Option<(CommitRecord, Digest)>,
    ) -> Result<Option<(CommitRecord, Digest)>, ReadError> {
        let Some(row) = records.next() else {
            self.found(format!("position {first}: no commit record covers it"));
            return Ok(previous);
        };
        let encoded = row.value()?;
        let Ok(record) = CommitRecord::decode(&encoded) else {
            self.found(format!("position {first}: its commit record does not decode"));
            return Ok(previous);
        };
        if record.first != first || record.last < first {
            self.found(format!("commit {}: it does not begin where the one before ends", record.last));
        }
        if record.previous != previous.map(|(_, hash)| hash).unwrap_or_default() {
            self.found(format!("commit {}: it does not name the one before", record.last));
        }
        let hash = CommitRecord::hash(&encoded);
        Ok(Some((record, hash)))
    }

    /// Opens an event and recomputes its digest; none when it cannot be opened, which is a finding.
    fn event_at(&mut self, position: Position) -> Option<OpenedRow> {
        let row = self.files.log_row(&self.at, position);
        let opened = row.and_then(|row| self.files.open_row(position, &row));
        let opened = opened.map_err(|error| self.found(error.to_string())).ok()?;
        let header = &opened.event.header;
        let commitments = commitments(&opened.seed, &opened.event.body, opened.commitment_kind);
        let origin = self.files.keys.keyring.domain_id();
        let actor = &opened.event.body.actor;
        let digest = commitments.map(|all| event_digest(origin, header, actor, opened.commitment_kind, &all));
        if digest != Some(header.digest) {
            self.found(format!("position {position}: its contents are not those of its digest"));
        }
        let by_id = self.at.get(&self.files.spaces.ids, header.event_id.0).ok().flatten();
        if by_id.is_none_or(|row| rows::number(&row, "ids") != Ok(position.get())) {
            self.found(format!("position {position}: its id does not lead to it"));
        }
        Some(opened)
    }

    /// The pass by aggregate.
    fn all_aggregates(&mut self) -> Result<(), ReadError> {
        for row in self.at.iter(&self.files.spaces.names) {
            let (key, value) = row.into_inner()?;
            let (Some(name), Ok(number)) = (rows::name_of_key(&key), rows::number(&value, "names")) else {
                self.found("a name row does not decode".to_owned());
                continue;
            };
            self.aggregate(AggregateNumber::new(number), &name)?;
        }
        Ok(())
    }

    /// Recomputes the tree and the state of an aggregate; gives the root.
    fn aggregate(&mut self, number: AggregateNumber, name: &AggregateRef) -> Result<Digest, ReadError> {
        self.report.aggregates += 1;
        let head = match self.files.head_of_number(&self.at, number, name) {
            Ok(head) => head,
            Err(error) => {
                self.found(error.to_string());
                return Ok(Digest::default());
            }
        };
        let mut snapshots = snapshot::stored(self.files, &self.at, number)?;
        let mut tree = Edge::default();
        let mut state = Some(Map::new());
        for version in (1..=head.version.get()).map(Version::new) {
            let opened = match self.files.position_of(&self.at, number, version) {
                Ok(position) => self.event_at(position),
                Err(error) => {
                    self.found(error.to_string());
                    None
                }
            };
            let digest = match &opened {
                Some(OpenedRow { event, .. }) => {
                    if event.header.aggregate != *name || event.header.version != version {
                        self.found(format!("{name}: version {version} leads to another event"));
                    }
                    event.header.digest
                }
                None => Digest::default(),
            };
            state = match (state, &opened) {
                (Some(state), Some(opened)) => self.fold(state, opened),
                _ => None,
            };
            self.grow(number, &mut tree, digest);
            if let Some(row) = snapshots.remove(&version) {
                let found = snapshot::compare(self.files, &self.at, (number, name), version, &row, state.as_ref());
                found.into_iter().for_each(|finding| self.found(finding));
            }
            self.tick();
        }
        for version in snapshots.into_keys() {
            self.found(format!("{name}: it has a snapshot at version {version}, which it does not have"));
        }
        self.compare_head(name, &head, &tree, state.as_ref());
        Ok(tree.root())
    }

    fn fold(&mut self, state: Map<String, Value>, opened: &OpenedRow) -> Option<Map<String, Value>> {
        fold(state, &opened.event).map_err(|error| self.found(error.to_string())).ok()
    }

    /// Appends a leaf to a tree that is built from nothing, and compares the tiles that it completes with the stored ones.
    fn grow(&mut self, number: AggregateNumber, tree: &mut Edge, leaf: Digest) {
        let stored = self.files.tree(&self.at, number, tree.size());
        let mut full = Vec::new();
        // An edge that saw every leaf asks for nothing, so only the comparison can find fault.
        let grown = tree.push(leaf, &stored, &mut full);
        let wrong: Vec<_> = full.iter().filter(|tile| !is_stored(&stored, tile)).map(|t| (t.level, t.index)).collect();
        if let Err(error) = grown {
            self.found(error.to_string());
        }
        for (level, index) in wrong {
            self.found(format!("tree {number}: tile {index} of level {level} is not what its leaves make"));
        }
    }

    fn compare_head(
        &mut self,
        name: &AggregateRef,
        head: &StoredHead,
        tree: &Edge,
        state: Option<&Map<String, Value>>,
    ) {
        if head.tree != *tree.range() {
            self.found(format!("{name}: the tree of its head is not that of its events"));
        }
        if state.is_some_and(|state| json::canonical_object(state) != json::canonical_object(&head.state)) {
            self.found(format!("{name}: the state of its head is not what its events fold to"));
        }
        let beyond = rows::index_key(head.number, head.version.next());
        if self.at.contains_key(&self.files.spaces.index, beyond).unwrap_or(false) {
            self.found(format!("{name}: it has more versions than its head says"));
        }
    }

    fn found(&mut self, finding: String) {
        self.report.finding_count += 1;
        if self.report.findings.len() < limits::VERIFY_FINDINGS {
            self.report.findings.push(finding);
        }
    }

    fn tick(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(PROGRESS_EVERY) || self.done == self.of {
            (self.progress)(self.done, self.of.max(self.done));
        }
    }
}

/// Rows between two reports of progress.
const PROGRESS_EVERY: u64 = 1024;

fn is_stored(stored: &StoredTree<'_>, tile: &CompleteTile) -> bool {
    stored.tile(tile.level, tile.index).is_ok_and(|stored| stored == tile.tile)
}
