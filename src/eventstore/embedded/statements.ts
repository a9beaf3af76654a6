// Every statement that the event store runs while it serves, but those of prefix-index.ts. A test holds how each one is planned, at any size.

const columns =
  "e.position, s.name, e.revision, e.id, e.type, e.is_json, e.created, e.data, e.metadata, e.crc";
const joined = `select ${columns} from events e left join streams s on s.key = e.stream`;

export const statements = {
  head: "select max(position) as head from events",
  insertEvent:
    "insert into events (position, stream, revision, id, type, is_json, created, data, metadata, crc) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  insertStream:
    "insert into streams (name, last, tombstoned, truncate_before, has_metadata) values (?, -1, 0, 0, 0)",
  updateStream:
    "update streams set last = ?, tombstoned = ?, truncate_before = ?, max_count = ?, max_age = ?, has_metadata = ? where key = ?",
  findStream: "select * from streams where name = ?",
  // The index is named: asked for the newest one, SQLite would walk the whole stream by its revisions.
  revisionOfId:
    "select max(revision) as revision from events indexed by events_by_id where stream = ? and id = ?",
  idAtRevision: "select id from events where stream = ? and revision = ?",
  positionAtRevision: "select position from events where stream = ? and revision = ?",
  at: `${joined} where e.position = ?`,
  forwards: `${joined} where e.position >= ? order by e.position limit ?`,
  backwards: `${joined} where e.position < ? order by e.position desc limit ?`,
  streamForwards: `${joined} where e.stream = ? and e.revision between ? and ? order by e.revision limit ?`,
  streamBackwards: `${joined} where e.stream = ? and e.revision between ? and ? order by e.revision desc limit ?`,
} as const;
