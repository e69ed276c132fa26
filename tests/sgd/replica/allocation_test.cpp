// What the network thread does for a datagram takes no memory from the system: counted by an
// operator new of this program's own.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <new>

#include "sgd/replica/replica.hpp"

namespace {

std::atomic<std::uint64_t> allocations = 0;
std::atomic<std::uint64_t> allocated_bytes = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  allocated_bytes += size;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (void* const memory = std::aligned_alloc(alignment, rounded)) return memory;
  throw std::bad_alloc();
}

// Apart, since GCC takes free() of what operator new gave for a mistake where it sees both.
[[gnu::noinline]] void give_back(void* memory) noexcept { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace hogwild::sgd {

BOOST_AUTO_TEST_SUITE(allocation)

BOOST_AUTO_TEST_CASE(published_applied_and_released_datagrams_take_no_new_memory) {
  constexpr SumsLayout kLayout(100'000, 1);
  Replica from(1, 2, kLayout, std::size_t{64} << 20U);
  Replica to(1, 3, kLayout, std::size_t{64} << 20U);
  std::vector<CellDelta> fresh;
  for (std::uint32_t cell = 0; cell < 60'000; cell += 3) fresh.push_back({10 + cell, 5});
  const auto flush = [&] {
    DatagramBatch batch;
    from.publish(fresh, batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      BOOST_TEST_REQUIRE((to.apply(batch[i], {}) == ApplyResult::kApplied));
    }
    return batch.size();
  };
  const auto release = [](Replica& replica) { replica.release(2, replica.contiguous(2)); };
  for (int i = 0; i < 20; ++i) static_cast<void>(flush());
  release(from);
  release(to);
  const std::uint64_t before = allocations;
  std::size_t datagrams = 0;
  for (int i = 0; i < 100; ++i) {
    datagrams += flush();
    if (i % 10 == 9) {
      release(from);
      release(to);
    }
  }
  BOOST_TEST(datagrams > 2'000U);
  // A batch grows to its size some times in a flush.
  BOOST_TEST(allocations - before < 100 * 30U);
}

// Of a dead origin, say, of whose datagrams nobody has an earlier one.
BOOST_AUTO_TEST_CASE(a_datagram_that_stays_for_good_keeps_no_memory_of_others) {
  Retained ring(std::size_t{64} << 20U);
  const Bytes datagram(100, std::byte{1});
  ring.keep(1, 2, datagram);
  const std::uint64_t before = allocated_bytes;
  for (std::uint64_t seq = 1; seq <= 1'000'000; ++seq) {
    ring.keep(2, seq, datagram);
    if (seq % 100 == 0) ring.release(2, seq);
  }
  BOOST_TEST(allocated_bytes - before < 1'000'000U);
  BOOST_TEST(!ring.find(1, 2).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
