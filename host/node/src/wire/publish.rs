//! To whom an event is delivered, where its writer says so.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plugin or subscription that is to get an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Name of the plugin, or of the subscription. It gets the event if it also selects it.
    pub plugin: String,
    /// A payload mode: the most that it gets of this event. None: all that it gets of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// How soon it gets it.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
}

/// How soon an event is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When its turn comes.
    #[default]
    Normal,
    /// By a transport that lags: before what waits of other aggregates.
    Urgent,
}

impl Priority {
    fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordinary_is_left_out() {
        let publish: Publish = serde_json::from_str(r#"{"plugin":"mailer"}"#).unwrap();
        assert_eq!(publish, Publish { plugin: "mailer".into(), mode: None, priority: Priority::Normal });
        assert_eq!(serde_json::to_string(&publish).unwrap(), r#"{"plugin":"mailer"}"#);
        let text = r#"{"plugin":"bus","mode":"event-only","priority":"urgent"}"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Publish>(text).unwrap()).unwrap(), text);
        for bad in [r#"{"plugin":"a","priority":"soon"}"#, r#"{"mode":"all"}"#, r#"{"plugin":"a","prio":"urgent"}"#] {
            assert!(serde_json::from_str::<Publish>(bad).is_err(), "{bad}");
        }
    }
}
