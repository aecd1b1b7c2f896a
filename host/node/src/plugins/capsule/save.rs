//! Making a capsule: the batch once more, on an instance that is thrown away, with every row written down that it reads.

use std::sync::{Arc, Mutex};

use eventdbx_sandbox::{Batch, DeliveryMode, StartContext, StartReason};
use eventdbx_store::{CompactRange, Position};
use serde_json::Value;

use super::{
    CAPSULE_VERSION, Capsule, CapsuleOutcome,
    batch::CapsuleBatch,
    redact::redacted,
    tables::{CapsuleTable, Recorder},
};
use crate::plugins::{
    PluginError,
    cut::{Cut, Cutter, Extent, Gathered},
    guest::Guest,
    host::TableHost,
    installed::Installed,
    lock,
    logs::Logs,
    parking,
    queue::Stretch,
    registry::{Registry, internal, uncut},
    selector::Selector,
};

impl Registry {
    /// Makes a capsule of the first event of a parked entry, or of what the plugin is given next.
    pub(in crate::plugins) fn capsule(&self, name: &str, entry: Option<&str>) -> Result<Capsule, PluginError> {
        let installed = self.find_fed(name)?;
        let answering = installed.answering(&self.services).ok_or_else(|| installed.not_running())?;
        let ((plugin, generation, snapshot), record) = (answering, installed.record());
        let descriptor = plugin.descriptor();
        let modes = self.services.modes.current();
        let selector = record.selector(descriptor, &modes).map_err(PluginError::Invalid)?.named(name);
        let cut = match entry {
            Some(entry) => self.first_parked(&installed, &selector, entry)?,
            None => self.next_batch(&installed, &selector)?,
        };
        let head = self.services.feed.head();
        let batch = cut.lend(&self.services.domain.schemas(), |schemas, items| {
            CapsuleBatch::of(&Batch {
                domain: self.services.domain.name().as_str(),
                mode: DeliveryMode::Live,
                payload_mode: record.payload_mode.as_str(),
                attempt: 1,
                head_position: head.get(),
                schemas,
                items,
            })
        });
        let read = Arc::new(Mutex::new((super::tables::Rows::new(), 0)));
        let logs = Arc::new(Logs::new(Arc::clone(&self.services.clock), 0));
        let tables = TableHost { tables: Some(snapshot.tables(generation)), logs, link: None };
        let host = Recorder { tables, read: Arc::clone(&read) };
        let config = self.services.secrets.fill(&record.config).map_err(PluginError::invalid)?;
        let context = StartContext { domain: batch.domain(), config: &config, reason: StartReason::Restart };
        let outcome = match Guest::start(&plugin, Box::new(host), context, &self.services.limits.instance) {
            Ok(instance) => batch.lend(|batch| CapsuleOutcome::of(instance.handle(batch).0)),
            Err(stop) => Some(CapsuleOutcome::not_started(&stop)),
        };
        let outcome = outcome.ok_or_else(|| internal("a digest of the batch does not read"))?;
        let schema = serde_json::from_str(&descriptor.config_schema).unwrap_or(Value::Null);
        let (config, places) = redacted(&record.config, &schema);
        let read = std::mem::take(&mut lock(&read).0);
        let named = |(table, rows): (&usize, _)| Some(CapsuleTable::of(&descriptor.tables.get(*table)?.name, rows));
        Ok(Capsule {
            capsule: CAPSULE_VERSION,
            plugin: name.to_owned(),
            version: record.version,
            component: record.component,
            saved_at: (self.services.clock)().to_rfc3339(),
            config,
            redacted: places,
            outcome,
            batch,
            tables: read.iter().filter_map(named).collect(),
        })
    }

    /// The first event of a parked entry, as it would be delivered.
    fn first_parked(&self, installed: &Installed, selector: &Selector, entry: &str) -> Result<Cut, PluginError> {
        let (generation, _, row) = self.entry(installed, entry)?;
        let services = &self.services;
        let to = services.db.cursor(generation).map_err(internal)?.unwrap_or_default().position;
        let stretch = Stretch::read(&services.domain, selector, &row, to, 1).map_err(internal)?;
        let none = Default::default();
        let cutter = self.cutter(selector, &none, installed);
        let mut gathered = Gathered::at(to, CompactRange::new());
        for event in stretch.events {
            let extent = Extent { from: row.position, to, items: 1, bytes: usize::MAX };
            parking::take(&cutter, &mut gathered, &row, event, extent).map_err(internal)?;
        }
        let cut = cutter.finish(gathered).map_err(uncut)?;
        if cut.items.is_empty() {
            return Err(PluginError::invalid(format!("entry {entry} of {} has no event left", installed.name)));
        }
        Ok(cut)
    }

    /// What the plugin is given next.
    fn next_batch(&self, installed: &Installed, selector: &Selector) -> Result<Cut, PluginError> {
        let (services, generation) = (&self.services, installed.record().generation);
        let cursor = services.db.cursor(generation).map_err(internal)?.unwrap_or_default();
        let (_, parked) = self.parked(installed)?;
        let parked = parked.into_iter().collect();
        let (limits, head) = (&services.limits, services.feed.head());
        let cutter = self.cutter(selector, &parked, installed);
        let extent =
            Extent { from: cursor.position.next(), to: head, items: limits.batch_items, bytes: limits.batch_bytes };
        let cut = cutter.cut(extent, &CompactRange::new()).map_err(uncut)?;
        if cut.items.is_empty() {
            let (name, at) = (&installed.name, cut.end.max(Position::new(0)));
            return Err(PluginError::invalid(format!(
                "{name} has nothing to be given up to position {at}: name a parked entry (`dbx plugin queue list {name}`)"
            )));
        }
        Ok(cut)
    }

    fn cutter<'a>(
        &'a self,
        selector: &'a Selector,
        parked: &'a std::collections::HashMap<eventdbx_store::AggregateNumber, parking::ParkedRow>,
        installed: &Installed,
    ) -> Cutter<'a> {
        Cutter::new(&self.services, selector, parked, installed.record().payload_mode)
    }
}
