//! The measured cells. A cell is measured when it is first requested.

use crate::Outcome;
use crate::cell::{Case, Cell};
use crate::measure::measure;
use crate::row::Measured;
use crate::scene::Scene;
use std::collections::BTreeMap;

/// All cells so far. No cell is measured twice: the goals use the figures of the tables.
#[derive(Debug)]
pub(crate) struct Results<'a> {
    pub(crate) scene: &'a Scene,
    cells: BTreeMap<Cell, Measured>,
}

impl<'a> Results<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Self {
        let cells = BTreeMap::new();
        Self { scene, cells }
    }

    /// The rows of a cell; none if a program that the case needs is missing.
    pub(crate) fn of(&mut self, cell: Cell) -> Outcome<Option<&Measured>> {
        if cell.case == Case::Dbus && self.scene.programs.dbus_daemon.is_none() {
            return Ok(None);
        }
        if !self.cells.contains_key(&cell) {
            let measured = measure(self.scene, cell)?;
            self.cells.insert(cell, measured);
        }
        Ok(self.cells.get(&cell))
    }

    /// The rows of one case, by size, encoding and connections.
    pub(crate) fn of_case(&self, case: Case) -> impl Iterator<Item = (&Cell, &Measured)> {
        self.cells.iter().filter(move |(cell, _)| cell.case == case)
    }
}
