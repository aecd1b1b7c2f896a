//! Where something stands in a JSON value. Walking down allocates nothing; only a place that is reported becomes text.

use std::{borrow::Cow, fmt, str::FromStr};

use serde_json::{Map, Value};

/// A place on the way down, chained to the places above it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Element(usize),
}

impl<'a> Place<'a> {
    /// The whole value.
    pub(super) const ROOT: Place<'static> = Place { above: None, step: Step::Root };

    pub(super) fn member(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Member(name) }
    }

    pub(super) fn element(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Element(index) }
    }

    /// The place as a JSON Pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.above.map(Place::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Member(name) => push_step(&mut pointer, name),
            Step::Element(index) => push_step(&mut pointer, &index.to_string()),
        }
        pointer
    }
}

fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    match step.contains(['~', '/']) {
        true => pointer.push_str(&step.replace('~', "~0").replace('/', "~1")),
        false => pointer.push_str(step),
    }
}

/// A step of a JSON Pointer, unescaped; none where a `~` stands alone.
fn unescaped(step: &str) -> Option<Cow<'_, str>> {
    if !step.contains('~') {
        return Some(Cow::Borrowed(step));
    }
    let lone = step.split('~').skip(1).any(|after| !after.starts_with(['0', '1']));
    (!lone).then(|| Cow::Owned(step.replace("~1", "/").replace("~0", "~")))
}

/// The way to a member, through objects alone: a JSON Pointer of at least one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// The way of these names; not empty.
    pub(super) fn new(steps: &[&str]) -> Self {
        debug_assert!(!steps.is_empty(), "a path leads to a member");
        Self(steps.iter().map(|&step| step.to_owned()).collect())
    }

    pub(super) fn steps(&self) -> &[String] {
        &self.0
    }

    /// The names on the way and the last one.
    fn split(&self) -> (&[String], &str) {
        self.0.split_last().map_or((&[], ""), |(last, above)| (above, last))
    }

    /// The object that holds the member, if it is there.
    fn holder<'m>(&self, members: &'m mut Map<String, Value>) -> Option<&'m mut Map<String, Value>> {
        self.split().0.iter().try_fold(members, |members, step| members.get_mut(step)?.as_object_mut())
    }

    /// The member, if it is there.
    pub(super) fn get<'m>(&self, members: &'m Map<String, Value>) -> Option<&'m Value> {
        let (above, name) = self.split();
        above.iter().try_fold(members, |members, step| members.get(step)?.as_object())?.get(name)
    }

    /// Takes the member out.
    pub(super) fn remove(&self, members: &mut Map<String, Value>) -> Option<Value> {
        self.holder(members)?.remove(self.split().1)
    }

    /// Puts a value in place unless one is there or what lies on the way is not there or not an object.
    pub(super) fn put_into_holder(&self, members: &mut Map<String, Value>, value: &Value) {
        let name = self.split().1;
        if let Some(holder) = self.holder(members).filter(|holder| !holder.contains_key(name)) {
            holder.insert(name.to_owned(), value.clone());
        }
    }

    /// Puts a value in place, making the objects on the way. None where something is there already or a value that is not an
    /// object stands in the way.
    pub(super) fn put(&self, members: &mut Map<String, Value>, value: Value) -> Option<()> {
        let (above, name) = self.split();
        let mut holder = members;
        for step in above {
            holder = holder.entry(step.clone()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
        }
        if holder.contains_key(name) {
            return None;
        }
        holder.insert(name.to_owned(), value);
        Some(())
    }

    /// Whether one of the two leads through the other, or both are the same.
    pub(super) fn meets(&self, steps: &[Cow<'_, str>]) -> bool {
        self.0.iter().zip(steps).all(|(own, other)| own == other)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pointer = String::new();
        self.0.iter().for_each(|step| push_step(&mut pointer, step));
        f.write_str(&pointer)
    }
}

impl FromStr for Path {
    type Err = ();

    fn from_str(pointer: &str) -> Result<Self, ()> {
        let steps = steps(pointer).filter(|steps| !steps.is_empty()).ok_or(())?;
        Ok(Self(steps.into_iter().map(Cow::into_owned).collect()))
    }
}

/// The steps of a JSON Pointer; none: it is not one.
pub(super) fn steps(pointer: &str) -> Option<Vec<Cow<'_, str>>> {
    match pointer.strip_prefix('/') {
        Some(rest) => rest.split('/').map(unescaped).collect(),
        None => pointer.is_empty().then(Vec::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_paths_are_written_as_pointers() {
        let root = Place::ROOT;
        let member = root.member("a/b~c");
        assert_eq!(member.element(3).pointer(), "/a~1b~0c/3");
        assert_eq!(root.pointer(), "");
        for pointer in ["/a", "/a~1b~0c/", "/"] {
            assert_eq!(pointer.parse::<Path>().expect("a pointer").to_string(), pointer);
        }
        for bad in ["", "a", "/~", "/~2", "/a~"] {
            assert!(bad.parse::<Path>().is_err(), "{bad}");
        }
    }
}
