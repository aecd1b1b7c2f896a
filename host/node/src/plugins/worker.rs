//! The thread of one plugin: it alone moves the plugin's generations.
//!
//! It sleeps until something is committed, somebody wants something of it, or a pause ends; an idle plugin costs nothing.
//! It runs at lower priority than the threads that answer clients, so that however much a plugin computes, an append does
//! not wait for the processor.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Instant,
};

use eventdbx_sandbox::{Level, Plugin};
use eventdbx_store::{AggregateNumber, ReadError, plugindb::Generation};

use super::{
    PayloadMode, PluginError,
    installed::Installed,
    jobs::{Order, Running},
    parking::Edited,
    priority,
    record::{Rebuild, Record},
    services::Services,
    track::{Fault, Program, Purpose, Step, Track},
};

/// What a worker is asked to do, between two batches.
pub(super) enum Command {
    /// Stop for good.
    Stop,
    /// Begin a job, or call it off.
    Job(Order, Reply<()>),
    /// Deliver parked aggregates again; answers how many went well.
    Retry(Vec<AggregateNumber>, Reply<usize>),
    /// Deliver the first event of a parked aggregate with another payload from now on.
    Edit(AggregateNumber, Edited, Reply<()>),
    /// Give parked aggregates up; answers how many there were.
    Discard(Vec<AggregateNumber>, Reply<usize>),
}

/// Where an answer goes.
pub(super) type Reply<T> = mpsc::SyncSender<Result<T, PluginError>>;

/// A worker that runs.
pub(super) struct Handle {
    commands: mpsc::Sender<Command>,
    thread: JoinHandle<()>,
}

impl Handle {
    /// Starts the worker of a plugin. `program` is called on its thread.
    pub(super) fn start(
        services: &Arc<Services>,
        installed: &Arc<Installed>,
        program: impl FnOnce(&Services, &Installed) -> Result<Program, String> + Send + 'static,
    ) -> Result<Self, PluginError> {
        let (commands, receiver) = mpsc::channel();
        let (services, installed) = (Arc::clone(services), Arc::clone(installed));
        installed.starting();
        let builder = thread::Builder::new().name(format!("plugin-{}", installed.name));
        let thread = builder.spawn(move || {
            priority::lower(installed.record().priority);
            services.feed.join();
            run(&services, &installed, program, &receiver);
            services.feed.leave();
        });
        let thread = thread.map_err(|error| PluginError::Internal(format!("no thread for the plugin: {error}")))?;
        Ok(Self { commands, thread })
    }

    /// Hands a command over; false: the worker has ended.
    pub(super) fn send(&self, command: Command) -> bool {
        let sent = self.commands.send(command).is_ok();
        self.thread.thread().unpark();
        sent
    }

    /// Stops the worker between two batches, and waits for it.
    pub(super) fn stop(self) {
        self.send(Command::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the worker of a plugin had panicked");
        }
    }
}

fn run(
    services: &Arc<Services>,
    installed: &Arc<Installed>,
    program: impl FnOnce(&Services, &Installed) -> Result<Program, String>,
    commands: &mpsc::Receiver<Command>,
) {
    let work = || -> Result<(), String> {
        let program = Arc::new(program(services, installed)?);
        let worker = Worker::open(services, installed, program).map_err(|fault| fault.to_string())?;
        worker.work(commands);
        Ok(())
    };
    let reason = match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return,
        Ok(Err(reason)) => reason,
        Err(_) => "its worker panicked, which is a bug of EventDBX; the daemon's log says where".to_owned(),
    };
    installed.logs.line(Level::Error, &reason, None);
    installed.stopped(reason);
}

/// A plugin at work.
pub(super) struct Worker {
    pub(super) services: Arc<Services>,
    pub(super) installed: Arc<Installed>,
    pub(super) program: Arc<Program>,
    pub(super) live: Track,
    pub(super) rebuild: Option<Track>,
    /// The code that the rebuild is for, where that is not the live one's.
    upgrade: Option<Plugin>,
    pub(super) job: Option<Running>,
}

impl Worker {
    pub(super) fn open(
        services: &Arc<Services>,
        installed: &Arc<Installed>,
        program: Arc<Program>,
    ) -> Result<Self, Fault> {
        let live = open_track(services, installed, &program, Purpose::Live)?;
        let rebuilding = installed.record().rebuild.is_some();
        let (upgrade, next) = match installed.upgrade(services).map_err(Fault::Upgrade)? {
            Some((plugin, next)) => (Some(plugin), Arc::new(next)),
            None => (None, Arc::clone(&program)),
        };
        let rebuild = rebuilding.then(|| open_track(services, installed, &next, Purpose::Rebuild)).transpose()?;
        let (services, installed) = (Arc::clone(services), Arc::clone(installed));
        let mut worker = Self { services, installed, program, live, rebuild, upgrade, job: None };
        worker.take_up_job();
        Ok(worker)
    }

    fn work(mut self, commands: &mpsc::Receiver<Command>) {
        loop {
            while let Ok(command) = commands.try_recv() {
                if !self.obey(command) {
                    return;
                }
            }
            let steps = self.turn();
            if !steps.contains(&Step::Moved) {
                sleep(&steps);
            }
        }
    }

    /// Does one thing for each of the generations. Answers what it came to.
    pub(super) fn turn(&mut self) -> Vec<Step> {
        let live = self.live.step();
        if live == Step::Moved && self.job.is_some() {
            // Whoever waits for the live generation does not wait for the job.
            self.publish();
        }
        let mut steps = vec![live];
        steps.extend(self.step_beside());
        if let Err(error) = self.flip_if_due() {
            self.live.note(Level::Error, &error.to_string());
        }
        steps.extend(self.settle_job());
        self.publish();
        steps
    }

    /// Does what was asked for; false: stop.
    fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Stop => return false,
            Command::Job(order, reply) => {
                self.obey_order(order);
                self.answer(&reply, Ok(()));
            }
            Command::Retry(numbers, reply) => {
                let through = self.retry(&numbers);
                self.answer(&reply, through);
            }
            Command::Edit(number, edited, reply) => {
                let done = self.live.edit_parked(number, edited);
                self.answer(&reply, done);
            }
            Command::Discard(numbers, reply) => {
                let discarded = self.discard(&numbers);
                self.answer(&reply, discarded);
            }
        }
        true
    }

    fn answer<T>(&self, reply: &Reply<T>, outcome: Result<T, Fault>) {
        // IMPORTANT: first, so that whoever has the answer and asks how the plugin stands is told of what was done.
        self.publish();
        // Whoever asked may have given up waiting: then nobody reads the answer.
        let _ = reply.send(outcome.map_err(told));
    }

    /// Begins a new generation beside the live one. One that was on its way is given up.
    pub(super) fn rebuild(&mut self, generation: Generation, mode: PayloadMode) -> Result<(), Fault> {
        let rebuild = Rebuild { generation, payload_mode: mode };
        let given_up = self.rebuild.take().map(|track| track.generation);
        let begin = |record: &mut Record| {
            record.life.upgrade = None;
            record.rebuild = Some(rebuild);
        };
        self.installed.change(&self.services, begin, given_up.as_slice())?;
        self.upgrade = None;
        self.rebuild = Some(open_track(&self.services, &self.installed, &self.program, Purpose::Rebuild)?);
        Ok(())
    }

    /// Puts the rebuilt generation in the place of the live one, once it has come as far.
    fn flip_if_due(&mut self) -> Result<(), Fault> {
        let due = |rebuild: &mut Track| rebuild.cursor.position >= self.live.cursor.position;
        let Some(mut track) = self.rebuild.take_if(due) else { return Ok(()) };
        let old = self.live.generation;
        let mut record = self.installed.record();
        let doomed = record.flip();
        let flipped = self.installed.change_code(&self.services, self.upgrade.clone(), |kept| *kept = record, &doomed);
        if let Err(error) = flipped {
            self.rebuild = Some(track);
            return Err(error.into());
        }
        self.program = Arc::clone(&track.program);
        self.upgrade = None;
        (track.purpose, track.errand) = (Purpose::Live, None);
        track.mode = self.installed.record().payload_mode;
        track.caught_up = self.live.caught_up;
        self.live = track;
        let message = format!("generation {} took the place of {old}", self.live.generation);
        self.installed.logs.line(Level::Info, &message, None);
        Ok(())
    }

    fn retry(&mut self, numbers: &[AggregateNumber]) -> Result<usize, Fault> {
        let mut through = 0;
        for number in numbers {
            through += usize::from(self.live.parked.contains_key(number) && self.live.retry_parked(*number)?);
        }
        Ok(through)
    }

    fn discard(&mut self, numbers: &[AggregateNumber]) -> Result<usize, Fault> {
        let mut discarded = 0;
        for number in numbers {
            if self.live.parked.contains_key(number) {
                self.live.discard_parked(*number)?;
                discarded += 1;
            }
        }
        Ok(discarded)
    }

    /// Tells the rest of the daemon how the plugin stands.
    fn publish(&self) {
        self.installed.publish(&self.live, self.rebuild.as_ref());
    }
}

/// Takes a generation up. One that was built from another log is discarded, and a new one begins.
fn open_track(
    services: &Arc<Services>,
    installed: &Installed,
    program: &Arc<Program>,
    purpose: Purpose,
) -> Result<Track, Fault> {
    let record = installed.record();
    let (generation, mode) = match (purpose, record.rebuild) {
        (Purpose::Rebuild, Some(rebuild)) => (rebuild.generation, rebuild.payload_mode),
        (Purpose::Live, _) | (Purpose::Rebuild, None) => (record.generation, record.payload_mode),
    };
    let open =
        |generation: Generation| Track::open(Arc::clone(services), Arc::clone(program), generation, purpose, mode);
    let other = match open(generation)? {
        Ok(track) => return Ok(track),
        Err(other) => other,
    };
    tracing::error!(plugin = %installed.name, %generation, "{other}: they are discarded and built anew");
    let next = services.db.next_generation()?;
    let renew = |record: &mut Record| match purpose {
        Purpose::Live => drop(record.renew(next)),
        Purpose::Rebuild => record.rebuild = Some(Rebuild { generation: next, payload_mode: mode }),
    };
    installed.change(services, renew, &[generation])?;
    let mut track = open(next)?.map_err(|other| ReadError::Damaged(other.to_string()))?;
    track.note(Level::Error, &format!("{other}: they are discarded and built anew"));
    Ok(track)
}

/// Sleeps until the earliest pause ends, or until somebody unparks this thread.
fn sleep(steps: &[Step]) {
    let earliest = steps.iter().filter_map(|step| if let Step::Wait(time) = step { Some(*time) } else { None }).min();
    match earliest {
        Some(time) => thread::park_timeout(time.saturating_duration_since(Instant::now())),
        None => thread::park(),
    }
}

fn told(fault: Fault) -> PluginError {
    match fault {
        Fault::State(error) => error.into(),
        other => PluginError::Internal(other.to_string()),
    }
}
