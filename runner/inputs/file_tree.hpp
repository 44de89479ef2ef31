#pragma once
// The folders and files that a channel's names make, read off the sorted list of them on disk: the tree
// itself is nowhere, so a million files take no more memory than one.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "runner/inputs/items.hpp"

namespace sagelet::runner {

/// In a sorted list what lies below a folder is one run of entries. So a folder is known by the first entry
/// of its run and by how deep it lies, a file by its entry. Thread-safe.
class FileTree {
 public:
  using Ino = std::uint64_t;
  static constexpr Ino kRoot = 1;

  struct Node {
    Ino ino = kRoot;
    bool folder = true;
    std::uint64_t size = 0;
  };

  /// Sorts the list where it is not. kInvalid: a name is also the folder of another.
  static Result<FileTree> over(ItemList items);

  Result<std::optional<Node>> at(Ino ino) const;
  Result<std::optional<Node>> find(Ino folder, std::string_view name) const;
  /// What lies in the folder from place `from` on (0: all); `visit` gets name, node and the place after it,
  /// and says whether there is room for more.
  Status list(Ino folder, std::uint64_t from,
              const std::function<bool(const std::string&, const Node&, std::uint64_t)>& visit) const;
  Result<Item> item_of(Ino file) const;

 private:
  explicit FileTree(ItemList items) : items_(std::move(items)) {}
  Status check() const;
  Result<std::uint32_t> lower_bound(std::string_view name) const;
  /// "a/b/", empty for the root; nullopt for what is no folder.
  Result<std::optional<std::string>> path_of(Ino folder) const;
  Result<std::optional<Item>> item_at(std::uint32_t i) const;
  Node file_at(std::uint32_t i, std::uint64_t size) const;

  ItemList items_;
  std::unique_ptr<std::atomic<std::uint32_t>> last_found_ = std::make_unique<std::atomic<std::uint32_t>>(0);
};

/// Names in order: which of them is also the folder of another?
class NameCheck {
 public:
  /// False when `name` lies below an earlier name.
  bool add(const std::string& name);

 private:
  std::string last_;
  std::vector<std::size_t> names_;  ///< lengths of the earlier names that `last_` begins with
};

}  // namespace sagelet::runner
