//! The folder of a domain from which plugins install themselves: a component that is put there is installed under the name
//! of its file, and one that is changed upgrades it.
//!
//! The folder is looked at every second, which costs a few system calls and works on any file system. A file counts once it
//! was the same twice in a row, so that half a file is nothing. What is done is what `dbx plugin install`, `upgrade` and
//! `config` do, with the same checks, and in the log it is told of `drop-in`. A file that is gone does nothing: whoever
//! removes a file by mistake loses no tables.

mod bundle;
mod options;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Weak,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::Serialize;
use utoipa::ToSchema;

use self::{
    bundle::{Bundle, Stamps},
    options::Options,
};
use super::{
    InstallRequest, PluginError, PluginPriority, UpgradeRequest, lock, priority,
    registry::{Registry, internal},
};

/// Who the log says it was.
const ACTOR: &str = "drop-in";
/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// A component in the folder, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DropInFile {
    /// Name of the plugin: that of the file, without its end.
    pub name: String,
    /// How it stands.
    pub state: DropInState,
    /// Why it was not applied.
    pub reason: Option<String>,
}

/// How a component in the folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DropInState {
    /// It was put there, or changed, just now.
    New,
    /// It is installed as it stands there.
    Applied,
    /// It asks for more than was granted: an operator is to upgrade by hand.
    NeedsConsent,
    /// It cannot be installed, or not take over.
    Failed,
}

/// What is in the folder of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DropInView {
    /// The folder; none: the domain has none.
    pub folder: Option<String>,
    /// The components in it.
    pub rows: Vec<DropInFile>,
    /// Why the folder cannot be read, if it cannot.
    pub problem: Option<String>,
}

/// The folder of a domain, if it has one, and the thread that looks at it.
#[derive(Default)]
pub(super) struct DropIn {
    view: Arc<Mutex<DropInView>>,
    watcher: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl DropIn {
    pub(super) fn view(&self) -> DropInView {
        lock(&self.view).clone()
    }

    /// Why the component of this name was not applied.
    pub(super) fn problem(&self, name: &str) -> Option<String> {
        let view = lock(&self.view);
        view.rows.iter().find(|row| row.name == name).and_then(|row| row.reason.clone())
    }

    /// Begins to look at a folder, which is made if it is not there.
    pub(super) fn watch(&self, registry: &Arc<Registry>, folder: PathBuf) -> Result<(), PluginError> {
        fs::create_dir_all(&folder).map_err(|error| internal(format!("{}: {error}", folder.display())))?;
        lock(&self.view).folder = Some(folder.display().to_string());
        let (stop, stopped) = mpsc::channel();
        let (registry, view) = (Arc::downgrade(registry), Arc::clone(&self.view));
        let builder = thread::Builder::new().name("drop-in".to_owned());
        let thread = builder.spawn(move || {
            priority::lower(PluginPriority::Normal);
            watch(&folder, &registry, &view, &stopped);
        });
        *lock(&self.watcher) = Some((stop, thread.map_err(internal)?));
        Ok(())
    }

    pub(super) fn stop(&self) {
        let Some((stop, thread)) = lock(&self.watcher).take() else { return };
        drop(stop);
        // The last to let go of the registry may be that very thread.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the thread that looks at a drop-in folder had panicked");
        }
    }
}

fn watch(folder: &Path, registry: &Weak<Registry>, view: &Mutex<DropInView>, stopped: &mpsc::Receiver<()>) {
    let mut seen = Seen::default();
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
        let Some(registry) = registry.upgrade() else { return };
        let (rows, problem) = match seen.look(folder, &registry) {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let mut view = lock(view);
        if view.problem != problem
            && let Some(problem) = &problem
        {
            tracing::warn!(folder = %folder.display(), problem, "the drop-in folder cannot be read");
        }
        (view.rows, view.problem) = (rows, problem);
    }
}

/// What was seen in the folder.
#[derive(Default)]
struct Seen(BTreeMap<String, Sight>);

/// A component as it was seen last.
struct Sight {
    stamps: Stamps,
    /// Of all its files together.
    hash: String,
    row: DropInFile,
    /// The component that it is, once that was tried.
    tried: Option<String>,
}

impl Seen {
    /// Looks at the folder, and applies what stands there as it stood a moment ago.
    fn look(&mut self, folder: &Path, registry: &Registry) -> io::Result<Vec<DropInFile>> {
        let names = bundle::names(folder)?;
        self.0.retain(|name, _| names.contains(name));
        for name in names {
            if let Err(error) = self.look_at(folder, &name, registry) {
                let stamps = Stamps::default();
                let row = DropInFile { state: DropInState::Failed, reason: Some(error.to_string()), ..new(&name) };
                self.0.insert(name, Sight { stamps, hash: String::new(), row, tried: None });
            }
        }
        Ok(self.0.values().map(|sight| sight.row.clone()).collect())
    }

    fn look_at(&mut self, folder: &Path, name: &str, registry: &Registry) -> io::Result<()> {
        let stamps = Stamps::of(folder, name)?;
        let before = self.0.get_mut(name).filter(|sight| sight.stamps == stamps);
        if let Some(sight) = before.filter(|sight| sight.tried.is_some()) {
            sight.settle(registry);
            return Ok(());
        }
        let bundle = Bundle::read(folder, name)?;
        let same = self.0.get(name).is_some_and(|sight| sight.stamps == stamps && sight.hash == bundle.hash);
        let mut sight = Sight { stamps, hash: bundle.hash.clone(), row: new(name), tried: None };
        if same {
            (sight.row, sight.tried) = tried(registry, &bundle);
        }
        self.0.insert(name.to_owned(), sight);
        Ok(())
    }
}

impl Sight {
    /// Whoever did by hand what could not be done here has settled it.
    fn settle(&mut self, registry: &Registry) {
        let open = self.row.state != DropInState::Applied;
        if open && registry.find(&self.row.name).is_ok_and(|it| Some(&it.record().component) == self.tried.as_ref()) {
            (self.row.state, self.row.reason) = (DropInState::Applied, None);
        }
    }
}

fn new(name: &str) -> DropInFile {
    DropInFile { name: name.to_owned(), state: DropInState::New, reason: None }
}

/// Applies a component, and tells what came of it.
fn tried(registry: &Registry, bundle: &Bundle) -> (DropInFile, Option<String>) {
    let name = bundle.name.as_str();
    let component = bundle.component();
    let (state, reason) = match registry.drop_in(bundle) {
        Ok(()) => (DropInState::Applied, None),
        Err(error @ PluginError::NeedsConsent { .. }) => (DropInState::NeedsConsent, Some(error.to_string())),
        Err(error) => (DropInState::Failed, Some(error.to_string())),
    };
    match &reason {
        None => tracing::info!(plugin = name, component, "taken from the drop-in folder"),
        Some(reason) => tracing::warn!(plugin = name, component, reason, "not taken from the drop-in folder"),
    }
    (DropInFile { name: name.to_owned(), state, reason }, Some(component))
}

impl Registry {
    /// Installs a component, or lets it take over, as it stands in the folder.
    fn drop_in(&self, bundle: &Bundle) -> Result<(), PluginError> {
        let name = bundle.name.as_str();
        let options = bundle.options.as_deref().map(Options::parse).transpose().map_err(PluginError::invalid)?;
        let component = self.add_component(&bundle.wasm)?.hash;
        let signature = bundle.signature.clone();
        match self.find(name) {
            // Whatever became of it since was somebody's wish.
            Ok(installed) if installed.record().life.drop_in.as_ref() == Some(&bundle.hash) => return Ok(()),
            Ok(installed) => {
                let record = installed.record();
                let changes = options.as_ref().map(|options| options.changes(&record)).transpose();
                let changes = changes.map_err(PluginError::Invalid)?.flatten();
                if record.component != component {
                    self.upgrade(ACTOR, name, &UpgradeRequest { component, signature, ..UpgradeRequest::default() })?;
                }
                if let Some(changes) = changes {
                    self.configure(ACTOR, name, changes)?;
                }
            }
            Err(_) => {
                let name = Some(name.to_owned());
                let request = InstallRequest { component, signature, name, ..InstallRequest::default() };
                let request = match options {
                    Some(options) => options.install(request),
                    None => request,
                };
                self.install(ACTOR, request)?;
            }
        }
        let applied = Some(bundle.hash.clone());
        self.find(name)?.change(&self.services, |record| record.life.drop_in = applied, &[]).map_err(internal)
    }
}
