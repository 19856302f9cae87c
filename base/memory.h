// Memory that a thread keeps for later, and how to be rid of it.
//
// Frames and blocks are recycled in free lists (frames.h, buffer.h), and malloc keeps what it has got from the system.
// That is right for a process that serves, and wrong for one that only waits for its last connections.
#pragma once

namespace sluice {

/// All frames and blocks that wait to be used again go back to malloc, and all whole pages that malloc does not need
/// to the system. Takes milliseconds where much was kept.
void give_back_memory();

namespace frames {
/// The part of it that is frames.
void give_back();
}  // namespace frames

}  // namespace sluice
