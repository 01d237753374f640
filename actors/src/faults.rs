//! Failures on order, so that tests can show what becomes of them.
//!
//! In any other build there is nothing to order and nothing happens: the calls
//! are there, so that the places stand where actors run code, and are empty.

/// A place where an actor runs code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The start of the actor, where its source is opened.
    Started,
    /// The renewal of its fields after a failure.
    Restarting,
    /// The handling of a message.
    Handler,
    /// The pull of a source, a future in the actor's context.
    Pull,
    /// The upkeep of a source with its timers, likewise.
    Upkeep,
    /// A look at files on the blocking pool.
    Look,
}

/// The failures ordered of one actor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    #[cfg(test)]
    ordered: std::sync::Arc<std::sync::Mutex<Vec<Place>>>,
}

impl Faults {
    /// Panics here, if that was ordered.
    #[inline]
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, reason = "it acts in tests alone")
    )]
    pub(crate) fn strike(&self, place: Place) {
        #[cfg(test)]
        {
            let mut ordered = self.ordered.lock().unwrap();
            if let Some(index) = ordered.iter().position(|known| *known == place) {
                ordered.swap_remove(index);
                drop(ordered);
                panic!("ordered to fail at {place:?}");
            }
        }
        let _ = place;
    }

    /// Orders a panic at the next passage of a place.
    #[cfg(test)]
    pub(crate) fn order(&self, place: Place) {
        self.ordered.lock().unwrap().push(place);
    }

    /// Takes back what was ordered and has not happened.
    #[cfg(test)]
    pub(crate) fn recall(&self) {
        self.ordered.lock().unwrap().clear();
    }
}
