// A place of their own for libevent's small records.
//
// libevent keeps a record of 24 bytes for every descriptor number that it has ever seen, for good. From malloc each
// would lie among the frames of connections of its time, and pin a page when those have left: after a burst of 2,000
// connections 3,600 records held 8 MiB of a worker that had one connection left. Here they lie side by side.
#pragma once

namespace sluice {

/// Before libevent is used; again is nothing. Where there is no address space for it, libevent keeps using malloc.
void give_events_their_place();

}  // namespace sluice
