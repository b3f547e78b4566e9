//! `Window`: counts of what happened lately, in slots of equal length that fall out as time goes on.

use std::time::Duration;

use tokio::time::Instant;

/// What happened in the last `N` slots of time. Time never runs backwards in it: what comes with an earlier
/// instant than the latest belongs to the latest slot.
#[derive(Debug, Clone)]
pub(crate) struct Window<T, const N: usize> {
    began: Instant,
    /// Nanoseconds of a slot.
    slot: u64,
    /// The number of the latest slot, counted from `began`.
    head: u64,
    slots: [T; N],
}

impl<T: Copy + Default, const N: usize> Window<T, N> {
    /// An empty window.
    pub(crate) fn new(slot: Duration, now: Instant) -> Self {
        let slot = u64::try_from(slot.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { began: now, slot, head: 0, slots: [T::default(); N] }
    }

    /// The slot of `now`; slots that are too old are emptied.
    pub(crate) fn at(&mut self, now: Instant) -> &mut T {
        self.at_with(now, |_| {})
    }

    /// The same, told what falls out.
    pub(crate) fn at_with(&mut self, now: Instant, mut leaves: impl FnMut(T)) -> &mut T {
        let nanos = u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        let number = nanos / self.slot;
        if number > self.head {
            // More than all of them would only be emptied again.
            let passed = (number - self.head).min(N as u64);
            for n in 0..passed {
                leaves(std::mem::take(&mut self.slots[Self::index(number - n)]));
            }
            self.head = number;
        }
        &mut self.slots[Self::index(self.head)]
    }

    /// The slots, oldest first, each with the instant at which it falls out.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (Instant, T)> + '_ {
        let first = (self.head + 1).saturating_sub(N as u64);
        (first..=self.head).map(|number| {
            let ends = Duration::from_nanos((number + N as u64).saturating_mul(self.slot));
            (self.began + ends, self.slots[Self::index(number)])
        })
    }

    /// Changes the slots, oldest first.
    pub(crate) fn change(&mut self, mut change: impl FnMut(&mut T)) {
        let first = (self.head + 1).saturating_sub(N as u64);
        (first..=self.head).for_each(|number| change(&mut self.slots[Self::index(number)]));
    }

    fn index(number: u64) -> usize {
        (number % N as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_falls_out_slot_by_slot() {
        let began = Instant::now();
        let mut window = Window::<u32, 3>::new(Duration::from_secs(1), began);
        let at = |seconds: u64| began + Duration::from_millis(seconds * 1000 + 500);
        let sum = |window: &Window<u32, 3>| window.slots().map(|(_, count)| count).sum::<u32>();
        for seconds in 0..3 {
            *window.at(at(seconds)) += 1;
        }
        assert_eq!(sum(&window), 3);
        assert_eq!(window.slots().next().unwrap().0, began + Duration::from_secs(3));
        window.at(at(3));
        assert_eq!(sum(&window), 2);
        *window.at(at(0)) += 5;
        assert_eq!(sum(&window), 7, "an instant that has passed counts as the latest");
        window.at(at(1_000_000));
        assert_eq!(sum(&window), 0);
    }
}
