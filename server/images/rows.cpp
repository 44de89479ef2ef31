#include "server/images/rows.hpp"

namespace sagelet::images {

namespace {

using storage::Statement;

/// `*` any characters; the whole tag must fit.
bool fits(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      mark = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g, ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

Repository repository_from(const Statement& row, const Registry& registry) {
  Repository out;
  out.id = row.integer(0);
  out.registry = registry;
  out.name = row.text(1);
  out.created = from_millis(row.integer(2));
  out.immutable = row.integer(3) != 0;
  out.exempt = lines_of(row.text(4));
  out.settings = row.text(5);
  return out;
}

ManifestRow manifest_from(const Statement& row) {
  ManifestRow out;
  out.digest = ContentDigest(std::string(row.text(0)));
  out.media_type = row.text(1);
  out.artifact_type = row.text(2);
  out.subject = row.text(3);
  out.annotations = row.text(4);
  out.image_size = static_cast<std::uint64_t>(row.integer(5));
  out.pushed = from_millis(row.integer(6));
  out.pulled = from_millis(row.integer(7));
  return out;
}

template <class T>
Result<std::vector<T>> all_rows(Statement& query, const std::function<T(const Statement&)>& read) {
  std::vector<T> out;
  while (true) {
    TRY(const bool more, query.step());
    if (!more) return out;
    out.push_back(read(query));
  }
}

std::string first_text(const Statement& row) {
  return std::string(row.text(0));
}
ContentDigest first_digest(const Statement& row) {
  return ContentDigest(std::string(row.text(0)));
}

Result<std::string> text_or_nothing(Statement query) {
  TRY(const bool found, query.step());
  return found ? std::string(query.text(0)) : std::string();
}

}  // namespace

bool Repository::may_move(std::string_view tag) const {
  for (const auto& glob : exempt)
    if (fits(glob, tag)) return immutable;
  return !immutable;
}

// ---- repositories ----

Result<std::optional<Repository>> find_repository(Connection& db, const Registry& registry,
                                                  std::string_view name) {
  auto query = db.prepare(
      "SELECT id, name, created, immutable, exempt, settings FROM image_repositories "
      "WHERE account = ? AND region = ? AND name = ?");
  TRY(const bool found, query.bind(1, registry.account).bind(2, registry.region).bind(3, name).step());
  if (!found) return std::nullopt;
  return repository_from(query, registry);
}

Result<bool> any_repository(Connection& db) {
  return db.prepare("SELECT 1 FROM image_repositories LIMIT 1").step();
}

Status insert_repository(Connection& db, Repository& repository) {
  auto insert = db.prepare(
      "INSERT INTO image_repositories(account, region, name, created, immutable, exempt, settings) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, repository.registry.account).bind(2, repository.registry.region).bind(3, repository.name);
  insert.bind(4, to_millis(repository.created)).bind(5, repository.immutable ? 1 : 0);
  insert.bind(6, join(repository.exempt)).bind(7, repository.settings);
  TRY(insert.run());
  repository.id = db.last_row_id();
  return {};
}

Status update_repository(Connection& db, const Repository& repository) {
  auto update =
      db.prepare("UPDATE image_repositories SET immutable = ?, exempt = ?, settings = ? WHERE id = ?");
  update.bind(1, repository.immutable ? 1 : 0).bind(2, join(repository.exempt));
  return update.bind(3, repository.settings).bind(4, repository.id).run();
}

Status delete_repository(Connection& db, std::int64_t repository) {
  for (const char* sql :
       {"DELETE FROM image_manifests WHERE repository = ?", "DELETE FROM image_tags WHERE repository = ?",
        "DELETE FROM image_uses WHERE repository = ?", "DELETE FROM image_blobs WHERE repository = ?",
        "DELETE FROM image_repositories WHERE id = ?"})
    TRY(db.prepare(sql).bind(1, repository).run());
  return {};
}

Result<std::vector<Repository>> repositories_of(Connection& db, const Registry& registry,
                                                std::string_view after, std::size_t limit) {
  auto query = db.prepare(
      "SELECT id, name, created, immutable, exempt, settings FROM image_repositories "
      "WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?");
  query.bind(1, registry.account).bind(2, registry.region).bind(3, after).bind(4, limit);
  return all_rows<Repository>(query, [&](const Statement& row) { return repository_from(row, registry); });
}

Result<bool> registry_is_used(Connection& db, std::string_view account) {
  return db.prepare("SELECT 1 FROM image_repositories WHERE account = ? LIMIT 1").bind(1, account).step();
}

Result<bool> holds_manifests(Connection& db, std::int64_t repository) {
  return db.prepare("SELECT 1 FROM image_manifests WHERE repository = ? LIMIT 1").bind(1, repository).step();
}

// ---- manifests ----

Result<std::optional<ManifestRow>> find_manifest(Connection& db, std::int64_t repository,
                                                 const ContentDigest& digest) {
  auto query = db.prepare(
      "SELECT digest, media_type, artifact_type, subject, annotations, image_size, pushed, pulled, bytes "
      "FROM image_manifests WHERE repository = ? AND digest = ?");
  TRY(const bool found, query.bind(1, repository).bind(2, digest.view()).step());
  if (!found) return std::nullopt;
  auto out = manifest_from(query);
  out.bytes = query.blob(8);
  return out;
}

Status insert_manifest(Connection& db, std::int64_t repository, const ManifestRow& row,
                       const std::vector<ContentDigest>& uses) {
  auto insert = db.prepare(
      "INSERT INTO image_manifests(repository, digest, media_type, artifact_type, subject, annotations, "
      "image_size, pushed, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, repository).bind(2, row.digest.view()).bind(3, row.media_type).bind(4, row.artifact_type);
  insert.bind(5, row.subject).bind(6, row.annotations).bind(7, row.image_size).bind(8, to_millis(row.pushed));
  TRY(insert.bind_blob(9, row.bytes).run());
  for (const auto& used : uses) {
    auto use = db.prepare("INSERT OR IGNORE INTO image_uses(repository, used, manifest) VALUES (?, ?, ?)");
    TRY(use.bind(1, repository).bind(2, used.view()).bind(3, row.digest.view()).run());
  }
  return {};
}

Status delete_manifest(Connection& db, std::int64_t repository, const ContentDigest& digest) {
  for (const char* sql : {"DELETE FROM image_manifests WHERE repository = ? AND digest = ?",
                          "DELETE FROM image_tags WHERE repository = ? AND digest = ?",
                          "DELETE FROM image_uses WHERE repository = ? AND manifest = ?"})
    TRY(db.prepare(sql).bind(1, repository).bind(2, digest.view()).run());
  return {};
}

Status set_pulled(Connection& db, std::int64_t repository, const ContentDigest& digest, WallTime when) {
  auto update = db.prepare("UPDATE image_manifests SET pulled = ? WHERE repository = ? AND digest = ?");
  return update.bind(1, to_millis(when)).bind(2, repository).bind(3, digest.view()).run();
}

Result<std::vector<ManifestRow>> manifests_of(Connection& db, std::int64_t repository) {
  auto query = db.prepare(
      "SELECT digest, media_type, artifact_type, subject, annotations, image_size, pushed, pulled "
      "FROM image_manifests WHERE repository = ? ORDER BY id");
  query.bind(1, repository);
  return all_rows<ManifestRow>(query, manifest_from);
}

Result<std::vector<ManifestRow>> referrers_of(Connection& db, std::int64_t repository,
                                              const ContentDigest& subject) {
  auto query = db.prepare(
      "SELECT digest, media_type, artifact_type, subject, annotations, length(bytes), pushed, pulled "
      "FROM image_manifests WHERE repository = ? AND subject = ? AND subject <> '' ORDER BY id");
  query.bind(1, repository).bind(2, subject.view());
  return all_rows<ManifestRow>(query, manifest_from);
}

// ---- tags ----

Result<std::optional<ContentDigest>> find_tag(Connection& db, std::int64_t repository, std::string_view tag) {
  auto query = db.prepare("SELECT digest FROM image_tags WHERE repository = ? AND tag = ?");
  TRY(const bool found, query.bind(1, repository).bind(2, tag).step());
  if (!found) return std::nullopt;
  return first_digest(query);
}

Status put_tag(Connection& db, std::int64_t repository, std::string_view tag, const ContentDigest& digest) {
  auto insert = db.prepare("INSERT OR REPLACE INTO image_tags(repository, tag, digest) VALUES (?, ?, ?)");
  return insert.bind(1, repository).bind(2, tag).bind(3, digest.view()).run();
}

Result<bool> delete_tag(Connection& db, std::int64_t repository, std::string_view tag) {
  TRY(db.prepare("DELETE FROM image_tags WHERE repository = ? AND tag = ?")
          .bind(1, repository)
          .bind(2, tag)
          .run());
  return db.changes() > 0;
}

Result<std::vector<std::string>> tags_of_manifest(Connection& db, std::int64_t repository,
                                                  const ContentDigest& digest) {
  auto query = db.prepare("SELECT tag FROM image_tags WHERE repository = ? AND digest = ? ORDER BY tag");
  query.bind(1, repository).bind(2, digest.view());
  return all_rows<std::string>(query, first_text);
}

Result<std::vector<std::string>> tags_of(Connection& db, std::int64_t repository, std::string_view after,
                                         std::size_t limit) {
  auto query = db.prepare("SELECT tag FROM image_tags WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?");
  query.bind(1, repository).bind(2, after).bind(3, limit);
  return all_rows<std::string>(query, first_text);
}

// ---- blobs ----

namespace {

Result<std::optional<BlobRow>> blob_from(Statement query, const ContentDigest& digest) {
  TRY(const bool found, query.step());
  if (!found) return std::nullopt;
  return BlobRow{digest, static_cast<std::uint64_t>(query.integer(0))};
}

}  // namespace

Result<std::optional<BlobRow>> find_blob(Connection& db, std::int64_t repository,
                                         const ContentDigest& digest) {
  auto query = db.prepare("SELECT size FROM image_blobs WHERE repository = ? AND digest = ?");
  query.bind(1, repository).bind(2, digest.view());
  return blob_from(std::move(query), digest);
}

Result<std::optional<BlobRow>> find_blob(Connection& db, const Registry& registry,
                                         const ContentDigest& digest) {
  auto query = db.prepare(
      "SELECT size FROM image_blobs JOIN image_repositories ON image_repositories.id = repository "
      "WHERE digest = ? AND account = ? AND region = ? LIMIT 1");
  query.bind(1, digest.view()).bind(2, registry.account).bind(3, registry.region);
  return blob_from(std::move(query), digest);
}

Status link_blob(Connection& db, std::int64_t repository, const BlobRow& blob, WallTime now) {
  auto insert =
      db.prepare("INSERT OR REPLACE INTO image_blobs(repository, digest, size, linked) VALUES (?, ?, ?, ?)");
  insert.bind(1, repository).bind(2, blob.digest.view()).bind(3, blob.size).bind(4, to_millis(now));
  return insert.run();
}

Status unlink_blob(Connection& db, std::int64_t repository, const ContentDigest& digest) {
  auto remove = db.prepare("DELETE FROM image_blobs WHERE repository = ? AND digest = ?");
  return remove.bind(1, repository).bind(2, digest.view()).run();
}

Result<std::string> image_that_uses(Connection& db, std::int64_t repository, const ContentDigest& digest) {
  auto query = db.prepare("SELECT manifest FROM image_uses WHERE repository = ? AND used = ? LIMIT 1");
  query.bind(1, repository).bind(2, digest.view());
  return text_or_nothing(std::move(query));
}

Result<bool> blob_is_linked(Connection& db, const ContentDigest& digest) {
  return db.prepare("SELECT 1 FROM image_blobs WHERE digest = ? LIMIT 1").bind(1, digest.view()).step();
}

Result<std::vector<ContentDigest>> blobs_of_manifest(Connection& db, std::int64_t repository,
                                                     const ContentDigest& manifest) {
  auto query = db.prepare(
      "SELECT used FROM image_uses JOIN image_blobs ON image_blobs.repository = image_uses.repository "
      "AND image_blobs.digest = image_uses.used WHERE image_uses.repository = ? AND manifest = ?");
  query.bind(1, repository).bind(2, manifest.view());
  return all_rows<ContentDigest>(query, first_digest);
}

Result<std::vector<ContentDigest>> blobs_of(Connection& db, std::int64_t repository) {
  auto query = db.prepare("SELECT digest FROM image_blobs WHERE repository = ?");
  query.bind(1, repository);
  return all_rows<ContentDigest>(query, first_digest);
}

Result<std::vector<LooseBlob>> loose_blobs(Connection& db, WallTime before) {
  auto query = db.prepare(
      "SELECT digest, repository FROM image_blobs WHERE linked < ? AND NOT EXISTS (SELECT 1 FROM image_uses "
      "WHERE image_uses.repository = image_blobs.repository AND used = digest)");
  query.bind(1, to_millis(before));
  return all_rows<LooseBlob>(query, [](const Statement& row) {
    return LooseBlob{row.integer(1), first_digest(row)};
  });
}

}  // namespace sagelet::images
