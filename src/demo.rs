//! A realistic sample, loaded through the same door as everything else.
