//! The plugins of the demo: built from the examples, installed while the daemon runs.

use std::{fs, time::Instant};

use anyhow::Context;
use eventdbx_plugin_build::Built;

use super::story::Story;
use crate::{
    command::plugin::{self, Installation, Plugin},
    output,
    session::Session,
};

/// Components that were built.
pub(super) struct Components(Vec<Built>);

impl Components {
    /// Builds the examples, where they are not fresh.
    pub(super) async fn build(story: &mut Story) -> anyhow::Result<Self> {
        let since = Instant::now();
        let built = tokio::task::spawn_blocking(eventdbx_plugin_build::build_examples).await??;
        let mut bytes = 0;
        for component in &built {
            bytes += fs::metadata(&component.component)?.len();
        }
        let detail = format!("{} plugins, WebAssembly components of {} together", built.len(), output::bytes(bytes));
        story.step("build", since, &detail)?;
        Ok(Self(built))
    }

    pub(super) async fn install(
        &self,
        session: &Session,
        name: &str,
        payload_mode: Option<&str>,
        story: &mut Story,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
        let built =
            self.0.iter().find(|built| built.name == name).with_context(|| format!("there is no example {name}"))?;
        let installation = Installation {
            component: plugin::add_component(session, fs::read(&built.component)?).await?,
            payload_mode: payload_mode.map(str::to_owned),
            ..Installation::default()
        };
        let plugin: Plugin = serde_json::from_str(&plugin::install(session, &installation).await?)?;
        let detail =
            format!("{}, each delivery with {}; the import waits at a held line", plugin.name, plugin.payload_mode);
        story.step("install", since, &detail)
    }
}
