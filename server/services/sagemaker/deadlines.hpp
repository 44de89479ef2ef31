#pragma once
// What is due for a record without anybody asking, kept in the ledger with the record it is about.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::sagemaker {

/// The words of the table's `kind`.
namespace due {
inline constexpr std::string_view kWaitOver = "wait-over";        ///< MaxWaitTimeInSeconds has passed
inline constexpr std::string_view kPendingOver = "pending-over";  ///< MaxPendingTimeInSeconds has passed
inline constexpr std::string_view kInterrupt = "interrupt";       ///< spot_interrupt_after_seconds has passed
inline constexpr std::string_view kStopAgain = "stop-again";      ///< an interrupted attempt is to end
inline constexpr std::string_view kPoolOver = "pool-over";        ///< a warm pool's period has passed
}  // namespace due

struct Deadline {
  std::int64_t record = 0;
  std::string kind;
};

/// A later one of the same kind replaces the former.
Status set_deadline(storage::Connection& connection, std::int64_t record, std::string_view kind, WallTime at);
Status drop_deadline(storage::Connection& connection, std::int64_t record, std::string_view kind);
/// All of a record.
Status drop_deadlines(storage::Connection& connection, std::int64_t record);

/// Oldest first.
Result<std::vector<Deadline>> deadlines_until(storage::Connection& connection, WallTime now);
Result<std::optional<WallTime>> next_deadline(storage::Connection& connection);

}  // namespace sagelet::sagemaker
