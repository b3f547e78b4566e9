//! `Heads`: follows the frames in the bytes of a service and finds one that is masked. A client has to close then
//! (RFC 6455 section 5.1), and the library does not look.

/// Where the bytes are that came so far.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// The second byte of a head that has begun, once it is there.
    second: u8,
    /// Bytes of the head that are there.
    came: usize,
    /// The length of the payload, as far as it came; then how much of it is to come.
    payload: u64,
}

impl Heads {
    /// How many of the bytes that come next are before a frame that is masked: all of them where there is none.
    pub(super) fn unmasked(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if self.came == 0 && self.payload > 0 {
                let rest = bytes.len() - at;
                let skipped = usize::try_from(self.payload).map_or(rest, |payload| payload.min(rest));
                self.payload -= skipped as u64;
                at += skipped;
                continue;
            }
            let byte = bytes[at];
            at += 1;
            self.came += 1;
            match self.came {
                1 => {}
                2 if byte & 0x80 != 0 => return at.saturating_sub(2),
                2 => (self.second, self.payload) = (byte, 0),
                _ => self.payload = self.payload << 8 | u64::from(byte),
            }
            // RFC 6455 section 5.2.
            let length = match self.second & 0x7F {
                126 => 4,
                127 => 10,
                _ => 2,
            };
            if self.came >= 2 && self.came == length {
                if length == 2 {
                    self.payload = u64::from(self.second);
                }
                self.came = 0;
            }
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_is_found_wherever_the_bytes_are_cut() {
        let mut good = vec![0x81, 3, 0x81, 0x80, 0x80, 0x8A, 0, 0x82, 126, 0, 130];
        good.extend([0xFF; 130]);
        good.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        good.extend([0xFF; 1 << 16]);
        good.extend([0x81, 0, 0x01, 125]);
        good.extend([0x80; 125]);
        let bad = [&good[..], &[0x81, 0x81, 1, 2, 3, 4, 5]].concat();
        for size in [1, 2, 3, 5, 7, 1000, 1 << 20] {
            let passed = |bytes: &[u8]| {
                let mut heads = Heads::default();
                let mut passed = 0;
                for piece in bytes.chunks(size) {
                    let whole = heads.unmasked(piece);
                    passed += whole;
                    if whole < piece.len() {
                        break;
                    }
                }
                passed
            };
            assert_eq!(passed(&good), good.len(), "in pieces of {size}");
            // The first byte of the frame may have passed.
            assert!((0..2).contains(&(passed(&bad) - good.len())), "in pieces of {size}");
        }
    }
}
