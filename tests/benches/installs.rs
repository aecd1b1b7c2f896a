//! How long an installation takes, with a cold and with a warm cache, of a small component and of a large one.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use eventdbx_node::{
    Grant,
    plugins::{PayloadMode, PluginLimits},
};
use eventdbx_store::Domain;
use wasm_encoder::{CodeSection, Function, FunctionSection, Module, TypeSection, ValType};

use crate::{
    append::open,
    plugins,
    report::{Figure, Report},
};

/// Functions of the large component, each of some hundred instructions.
const FUNCTIONS: u32 = 20_000;
const OPERATIONS: i32 = 60;

pub(crate) fn cold_and_warm(report: &mut Report) -> anyhow::Result<()> {
    report.title("installing a component until it has answered a query: compiled, and found compiled in the cache");
    let small = std::fs::read(eventdbx_plugin_build::example("event-counter")?)?;
    let large = [&small[..], &ballast()].concat();
    for (name, component) in [("small", small), ("large", large)] {
        let dir = tempfile::tempdir()?;
        let domain = open(&dir.path().join("domain"))?;
        let file = dir.path().join("component.wasm");
        std::fs::write(&file, &component)?;
        let cold = once(&domain, dir.path(), &file)?;
        let mut warm: Vec<_> = (0..5).map(|_| once(&domain, dir.path(), &file)).collect::<Result<_, _>>()?;
        warm.sort_unstable();
        let millis = |what: &str, time: Duration| {
            Figure::plain(format!("{what} {:.1} ms", time.as_secs_f64() * 1e3), time.as_secs_f64() * 1e3)
        };
        let kib = component.len() / 1024;
        let figures = [millis("cold", cold), millis("warm, median", warm[warm.len() / 2]).at_most(100.0)];
        report.row(&format!("{name}, {kib} KiB"), &figures);
    }
    Ok(())
}

/// With plugins that were opened just now, so that nothing but the cache on the disk remembers the component.
fn once(domain: &Domain, dir: &Path, component: &Path) -> anyhow::Result<Duration> {
    let plugins = plugins::open_plugins(domain, dir, PluginLimits::default())?;
    let started = Instant::now();
    plugins::install_file(&plugins, component, "counter", PayloadMode::EventOnly, &[])?;
    plugins::wait(&plugins, "counter", domain.head().position)?;
    let took = started.elapsed();
    plugins.uninstall(&Grant::owner("bench"), "counter", false)?;
    plugins.shutdown();
    Ok(took)
}

/// A section with a module that nothing uses, and that is compiled all the same: some megabytes, as the engines of
/// scripting languages are.
fn ballast() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32, ValType::I32], [ValType::I32]);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for n in 0..FUNCTIONS {
        functions.function(0);
        let mut function = Function::new([]);
        let mut body = function.instructions();
        body.local_get(0);
        for operation in 0..OPERATIONS {
            body.local_get(1).i32_const(operation * 977 + n.cast_signed()).i32_xor().i32_mul();
        }
        body.end();
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    let mut component = wasm_encoder::Component::new();
    component.section(&wasm_encoder::ModuleSection(&module));
    component.finish().split_off(wasm_encoder::Component::HEADER.len())
}
