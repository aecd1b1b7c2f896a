//! What is known about one key, for the time of one call.
//!
//! A value that is updated stays what it is, and is written as JSON when the call ends: a counter that a batch raises a
//! hundred times is parsed once and written once.

use std::{any::Any, borrow::Cow};

use serde::{Serialize, de::DeserializeOwned};

/// What is under a key now, and whether the host knows it.
pub(super) struct Slot {
    value: Option<Value>,
    written: bool,
}

enum Value {
    Json(Vec<u8>),
    Live(Box<dyn Live>),
}

/// A value of any type that can become JSON.
trait Live: Any {
    fn json(&self) -> serde_json::Result<Vec<u8>>;
}

impl<V: Serialize + Any> Live for V {
    fn json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

impl Slot {
    /// What the host has.
    pub(super) fn read(json: Option<Vec<u8>>) -> Self {
        Self { value: json.map(Value::Json), written: false }
    }

    /// What the plugin has put.
    pub(super) fn write(json: Option<Vec<u8>>) -> Self {
        Self { value: json.map(Value::Json), written: true }
    }

    pub(super) fn is_written(&self) -> bool {
        self.written
    }

    pub(super) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn get<V: DeserializeOwned>(&self) -> serde_json::Result<Option<V>> {
        self.json()?.map(|json| serde_json::from_slice(&json)).transpose()
    }

    /// The value to be changed; the default if there is none.
    pub(super) fn change<V: Serialize + DeserializeOwned + Default + Any>(&mut self) -> serde_json::Result<&mut V> {
        let is_live = matches!(&self.value, Some(Value::Live(live)) if (&**live as &dyn Any).is::<V>());
        if !is_live {
            let value: V = self.get()?.unwrap_or_default();
            self.value = Some(Value::Live(Box::new(value)));
        }
        self.written = true;
        let Some(Value::Live(live)) = &mut self.value else { unreachable!("it was made so above") };
        Ok((&mut **live as &mut dyn Any).downcast_mut().expect("its type was looked at above"))
    }

    /// What to store, with the host knowing it from now on.
    pub(super) fn settle(&mut self) -> serde_json::Result<Option<Vec<u8>>> {
        let json = self.json()?.map(Cow::into_owned);
        self.written = false;
        Ok(json)
    }

    fn json(&self) -> serde_json::Result<Option<Cow<'_, [u8]>>> {
        Ok(match &self.value {
            None => None,
            Some(Value::Json(json)) => Some(Cow::Borrowed(json)),
            Some(Value::Live(live)) => Some(Cow::Owned(live.json()?)),
        })
    }
}
