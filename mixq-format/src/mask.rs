//! A class for each pixel, and the objects that lie in a grid of classes: by integers alone, in the memory of
//! the outputs.

use crate::argmax;

/// Replaces the outputs of a dense network by the class of each pixel, a byte each: the place of its largest
/// output, the first of equals. `outputs` are `channels` integers of 32 bits (in the byte order of the
/// machine) or `channels` codes of 8 bits for each pixel.
///
/// The classes are written to the first bytes. Each byte is written after the outputs that lay there were
/// read.
pub fn classify_pixels(outputs: &mut [u8], channels: usize, is_codes: bool) {
    let each = (if is_codes { channels } else { 4 * channels }).max(1);
    for pixel in 0..outputs.len() / each {
        let bytes = &outputs[pixel * each..][..each];
        let class = if is_codes { argmax(bytes) } else { largest(bytes) };
        outputs[pixel] = class as u8;
    }
}

/// As [`argmax`], of integers of 32 bits that lie in bytes.
fn largest(bytes: &[u8]) -> usize {
    let words = bytes.as_chunks().0;
    let value = |index: usize| words.get(index).map_or(i32::MIN, |word| i32::from_ne_bytes(*word));
    let mut best = 0;
    for index in 1..words.len() {
        if value(index) > value(best) {
            best = index;
        }
    }
    best
}

/// An object in a grid of classes: cells of one class that touch, also at corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its class.
    pub class: u8,
    /// How many cells it has.
    pub cells: usize,
    /// The row of its centre, in pixels of the image, rounded down.
    pub y: usize,
    /// The column of its centre.
    pub x: usize,
}

/// The objects in a grid of classes, in the order of their first cells: all but class 0, the background. The
/// grid is overwritten: what was found becomes background.
#[derive(Debug)]
pub struct Objects<'a> {
    cells: &'a mut [u8],
    /// Height and width of the grid.
    grid: [usize; 2],
    /// Height and width of the image.
    image: [usize; 2],
    /// The first cell that may begin an object.
    next: usize,
}

/// The mark of a cell that belongs to the object that is being found: no class, since 255 are the most.
const FOUND: u8 = u8::MAX;

impl<'a> Objects<'a> {
    /// Those in `cells`, the classes of a grid of `grid` rows and columns, row after row. The image has
    /// `image` rows and columns.
    pub fn new(cells: &'a mut [u8], grid: [usize; 2], image: [usize; 2]) -> Objects<'a> {
        Objects { cells, grid, image, next: 0 }
    }

    /// Marks all cells of the class of `first` that are connected with it: repeats sweeps over the grid until
    /// nothing changes, which needs no memory.
    fn mark(&mut self, first: usize, class: u8) {
        self.cells[first] = FOUND;
        loop {
            let mut is_changed = false;
            for cell in 0..self.cells.len() {
                if self.cells[cell] == class && self.touches(cell) {
                    self.cells[cell] = FOUND;
                    is_changed = true;
                }
            }
            if !is_changed {
                return;
            }
        }
    }

    /// Whether a cell has a neighbour that is marked.
    fn touches(&self, cell: usize) -> bool {
        let [height, width] = self.grid;
        let (row, column) = (cell / width, cell % width);
        let rows = row.saturating_sub(1)..(row + 2).min(height);
        let is_marked = |row: usize| {
            let first = row * width + column.saturating_sub(1);
            let end = row * width + (column + 2).min(width);
            self.cells[first..end].contains(&FOUND)
        };
        rows.into_iter().any(is_marked)
    }
}

impl Iterator for Objects<'_> {
    type Item = Object;

    fn next(&mut self) -> Option<Object> {
        let first = self.next + self.cells.get(self.next..)?.iter().position(|class| *class != 0)?;
        let class = self.cells[first];
        self.mark(first, class);
        self.next = first + 1;
        let width = self.grid[1].max(1);
        let (mut cells, mut rows, mut columns) = (0, 0, 0);
        for (cell, class) in self.cells.iter_mut().enumerate() {
            if *class == FOUND {
                *class = 0;
                cells += 1;
                rows += cell / width;
                columns += cell % width;
            }
        }
        // The centre of a cell is half a cell behind its start.
        let centre = |sum: usize, image: usize, grid: usize| {
            let halves = (2 * sum + cells) as u64 * image as u64;
            (halves / (2 * cells * grid) as u64) as usize
        };
        let (y, x) = (centre(rows, self.image[0], self.grid[0]), centre(columns, self.image[1], width));
        Some(Object { class, cells, y, x })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_replace_outputs_in_place() {
        for channels in 1..6 {
            // Each pixel has its largest output elsewhere, and ties.
            let value = |index: usize| (index * 7919 % 13) as i32 - 6;
            let values: Vec<i32> = (0..17 * channels).map(value).collect();
            let expected: Vec<u8> = (values.chunks(channels))
                .map(|pixel| {
                    let most = pixel.iter().max().unwrap();
                    pixel.iter().position(|output| output == most).unwrap() as u8
                })
                .collect();
            let mut words: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
            classify_pixels(&mut words, channels, false);
            assert_eq!(words[..17], expected);
            let mut codes: Vec<u8> = values.iter().map(|value| (value + 6) as u8).collect();
            classify_pixels(&mut codes, channels, true);
            assert_eq!(codes[..17], expected);
        }
    }

    #[test]
    fn objects_are_connected_cells_of_one_class() {
        let mut cells = [[1, 0, 0, 2, 2], [0, 1, 0, 0, 2], [0, 0, 0, 0, 1], [3, 0, 1, 0, 0], [3, 0, 1, 1, 1]];
        let objects: Vec<Object> = Objects::new(cells.as_flattened_mut(), [5, 5], [40, 80]).collect();
        let found: Vec<_> = objects.iter().map(|o| (o.class, o.cells, o.y, o.x)).collect();
        // A row is 8 pixels, a column 16. Centres: the mean of cells plus a half.
        assert_eq!(found, [(1, 2, 8, 16), (2, 3, 6, 66), (1, 1, 20, 72), (3, 2, 32, 8), (1, 4, 34, 52),]);
        assert!(cells.as_flattened().iter().all(|class| *class == 0));
        assert_eq!(Objects::new(&mut [], [0, 0], [8, 8]).next(), None);
    }

    /// A spiral, through which marks spread in both directions of the sweeps.
    #[test]
    fn long_objects_are_one() {
        let mut cells = [[1u8; 9]; 9];
        for row in (1..9).step_by(2) {
            for (column, cell) in cells[row].iter_mut().enumerate() {
                let end = if row % 4 == 1 { 8 } else { 0 };
                *cell = u8::from(column == end);
            }
        }
        let expected = cells.as_flattened().iter().filter(|class| **class == 1).count();
        let objects: Vec<Object> = Objects::new(cells.as_flattened_mut(), [9, 9], [9, 9]).collect();
        assert_eq!((objects.len(), objects[0].cells), (1, expected));
    }
}
