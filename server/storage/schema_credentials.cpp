#include "server/storage/migrations.hpp"

namespace sagelet::storage {

RoomSchema credentials_schema() {
  return {"credentials", {}};
}

}  // namespace sagelet::storage
