//! `Shape`: how many fields a selection set asks for, as far as that is known before the variables are.

/// Fields of a selection set. What has no list argument is summed up at once.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Fields that are there once.
    pub(super) fields: u64,
    /// Fragments that are spread here, by number.
    pub(super) spreads: Vec<usize>,
    /// Below fields that say how many of them they want.
    pub(super) lists: Vec<(Vec<Size>, Shape)>,
}

/// How many a list argument asks for.
#[derive(Debug)]
pub(super) enum Size {
    Number(u64),
    Variable(Box<str>),
}

/// What the fragments of a document ask for, each after those that it spreads.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// Their shapes, by number.
    pub(super) shapes: Vec<Shape>,
    /// Their numbers, in an order in which none comes before one that it spreads.
    pub(super) order: Vec<usize>,
}

impl Fragments {
    /// How many fields `shape` asks for with all fragments in their places, each list as often as `size` says. Each
    /// fragment is counted once, so that a few of them which unfold into billions of fields cost nothing.
    pub(super) fn count(&self, shape: &Shape, size: &dyn Fn(&Size) -> u64) -> u64 {
        let mut known = vec![0; self.shapes.len()];
        for &n in &self.order {
            known[n] = self.shapes[n].count(&known, size);
        }
        shape.count(&known, size)
    }
}

impl Shape {
    fn count(&self, fragments: &[u64], size: &dyn Fn(&Size) -> u64) -> u64 {
        let spread = self.spreads.iter().map(|&n| fragments[n]).fold(self.fields, u64::saturating_add);
        self.lists.iter().fold(spread, |sum, (sizes, below)| {
            let times = sizes.iter().map(size).max().unwrap_or(1);
            sum.saturating_add(below.count(fragments, size).saturating_mul(times))
        })
    }

    /// Whether variables have a say in it.
    pub(super) fn varies(&self) -> bool {
        let variable = |size: &Size| matches!(size, Size::Variable(_));
        self.lists.iter().any(|(sizes, below)| sizes.iter().any(variable) || below.varies())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(fields: u64, spreads: &[usize]) -> Shape {
        Shape { fields, spreads: spreads.to_vec(), lists: Vec::new() }
    }

    #[test]
    fn a_list_counts_as_often_as_its_argument_says() {
        let inner = Shape { lists: vec![(vec![Size::Variable("n".into())], leaf(2, &[]))], ..leaf(1, &[]) };
        let whole = Shape { lists: vec![(vec![Size::Number(10), Size::Number(3)], inner)], ..leaf(1, &[]) };
        let size = |size: &Size| match size {
            Size::Number(number) => *number,
            Size::Variable(_) => 5,
        };
        assert!(whole.varies());
        assert_eq!(Fragments::default().count(&whole, &size), 1 + 10 * (1 + 5 * 2));
    }

    #[test]
    fn fragments_that_unfold_without_end_are_counted_without_unfolding_them() {
        let mut fragments = Fragments { shapes: vec![leaf(1, &[])], order: vec![0] };
        for n in 1..1000 {
            fragments.shapes.push(leaf(0, &[n - 1, n - 1]));
            fragments.order.push(n);
        }
        assert_eq!(fragments.count(&leaf(0, &[10]), &|_| 1), 1 << 10);
        assert_eq!(fragments.count(&leaf(0, &[999]), &|_| 1), u64::MAX);
    }
}
