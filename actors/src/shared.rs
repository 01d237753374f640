//! Values that sources share, such as connections, one for each type.
//!
//! The owner of the values knows none of the types, so that it need not know the kinds of source.

use crate::lock::lock;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// The values. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SharedValues(Arc<Mutex<Values>>);

impl SharedValues {
    /// The value of this type, which is created by the first caller.
    pub(crate) fn get<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut values = lock(&self.0);
        let value = values.entry(TypeId::of::<T>());
        let value = Arc::clone(value.or_insert_with(|| Arc::new(T::default())));
        drop(values);
        // The type is the key, so the downcast succeeds.
        value.downcast().unwrap_or_default()
    }
}

impl fmt::Debug for SharedValues {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = lock(&self.0).len();
        out.debug_struct("SharedValues")
            .field("types", &types)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn each_type_has_one_value() {
        let values = SharedValues::default();
        values.get::<AtomicU32>().store(7, Ordering::Relaxed);
        let same = values.clone().get::<AtomicU32>();
        assert_eq!(same.load(Ordering::Relaxed), 7);
        assert_eq!(*values.get::<String>(), "");
    }
}
