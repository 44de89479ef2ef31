#include "runner/inputs/file_tree.hpp"

#include <algorithm>

namespace sagelet::runner {
namespace {

// An inode number: the entry and one, then how many folders deep (a file: none). The root is 1, no entry's.
constexpr unsigned kDepthBits = 12;  // a key has at most 1,024 bytes
constexpr FileTree::Ino kDepthMask = (1u << kDepthBits) - 1;

FileTree::Ino number_of(std::uint32_t entry, std::size_t depth) {
  return (static_cast<FileTree::Ino>(entry) + 1) << kDepthBits | depth;
}

std::size_t depth_of(FileTree::Ino ino) {
  return ino == FileTree::kRoot ? 0 : ino & kDepthMask;
}

/// The first `depth` parts of a name, with the slash behind them.
std::string_view first_parts(std::string_view name, std::size_t depth) {
  std::size_t end = 0;
  for (; depth > 0; --depth) {
    const auto slash = name.find('/', end);
    if (slash == name.npos) return {};
    end = slash + 1;
  }
  return name.substr(0, end);
}

}  // namespace

bool NameCheck::add(const std::string& name) {
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(last_, name).in1 - last_.begin());
  if (!last_.empty()) names_.push_back(last_.size());
  std::erase_if(names_, [&](std::size_t length) { return length > same; });
  last_ = name;
  return std::ranges::none_of(
      names_, [&](std::size_t length) { return length < name.size() && name[length] == '/'; });
}

Result<FileTree> FileTree::over(ItemList items) {
  if (!items.is_sorted()) TRY(items.sort_by_name());
  FileTree tree(std::move(items));
  TRY(tree.check());
  return tree;
}

Status FileTree::check() const {
  NameCheck names;
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    TRY(const std::string name, items_.name_at(i));
    if (!names.add(name))
      return Error(ErrorKind::kInvalid, "an object's name is also the folder of another, of " + name);
  }
  return {};
}

Result<std::uint32_t> FileTree::lower_bound(std::string_view name) const {
  std::uint32_t first = 0;
  for (std::uint32_t count = items_.size(); count > 0;) {
    const std::uint32_t half = count / 2;
    TRY(const std::string middle, items_.name_at(first + half));
    if (middle < name) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

Result<std::optional<std::string>> FileTree::path_of(Ino folder) const {
  if (folder == kRoot) return std::string();
  const Ino entry = (folder >> kDepthBits) - 1;
  if (entry >= items_.size() || depth_of(folder) == 0) return std::optional<std::string>();
  TRY(const std::string name, items_.name_at(static_cast<std::uint32_t>(entry)));
  const auto path = first_parts(name, depth_of(folder));
  return path.empty() ? std::optional<std::string>() : std::string(path);
}

Result<std::optional<Item>> FileTree::item_at(std::uint32_t i) const {
  if (i >= items_.size()) return std::optional<Item>();
  TRY(Item item, items_.at(i));
  return item;
}

FileTree::Node FileTree::file_at(std::uint32_t i, std::uint64_t size) const {
  return {.ino = number_of(i, 0), .folder = false, .size = size};
}

Result<Item> FileTree::item_of(Ino file) const {
  const Ino entry = (file >> kDepthBits) - 1;
  if (entry >= items_.size() || depth_of(file) != 0) return Error(ErrorKind::kNotFound, "no such file");
  return items_.at(static_cast<std::uint32_t>(entry));
}

Result<std::optional<FileTree::Node>> FileTree::at(Ino ino) const {
  if (ino == kRoot) return Node{};
  if (depth_of(ino) == 0) {
    const auto item = item_of(ino);
    if (!item && !item.error().is(ErrorKind::kNotFound)) return item.error();
    return item ? Node{.ino = ino, .folder = false, .size = item->size} : std::optional<Node>();
  }
  TRY(const auto path, path_of(ino));
  return path ? Node{.ino = ino} : std::optional<Node>();
}

Result<std::optional<FileTree::Node>> FileTree::find(Ino folder, std::string_view name) const {
  TRY(const auto path, path_of(folder));
  if (!path || name.empty()) return std::optional<Node>();
  const std::string whole = *path + std::string(name);
  // Whoever goes through a folder asks for one name after the other.
  std::uint32_t i = *last_found_ + 1;
  TRY(const auto before, item_at(i - 1));
  TRY(auto item, item_at(i));
  if (!item || item->name != whole || before->name == whole) {
    TRY(i, lower_bound(whole));
    TRY(item, item_at(i));
  }
  if (item && item->name == whole) {
    *last_found_ = i;
    return file_at(i, item->size);
  }
  TRY(i, lower_bound(whole + "/"));
  TRY(item, item_at(i));
  if (!item || !item->name.starts_with(whole + "/")) return std::optional<Node>();
  return Node{.ino = number_of(i, depth_of(folder) + 1)};
}

Status FileTree::list(
    Ino folder, std::uint64_t from,
    const std::function<bool(const std::string&, const Node&, std::uint64_t)>& visit) const {
  TRY(const auto path, path_of(folder));
  if (!path) return Error(ErrorKind::kNotFound, "no such folder");
  auto i = static_cast<std::uint32_t>(from);
  if (from == 0 && folder != kRoot) i = static_cast<std::uint32_t>((folder >> kDepthBits) - 1);
  std::string before;  // two keys may give one name
  while (i < items_.size()) {
    TRY(const Item item, items_.at(i));
    if (!item.name.starts_with(*path)) return {};
    const std::string child =
        item.name.substr(path->size(), item.name.find('/', path->size()) - path->size());
    const bool file = path->size() + child.size() == item.name.size();
    std::uint32_t next = i + 1;
    // '0' is what follows '/': where the run of a folder ends.
    if (!file) {
      TRY(next, lower_bound(*path + child + "0"));
    }
    const Node node = file ? file_at(i, item.size) : Node{.ino = number_of(i, depth_of(folder) + 1)};
    if (child != before && !visit(child, node, next)) return {};
    before = child;
    i = next;
  }
  return {};
}

}  // namespace sagelet::runner
