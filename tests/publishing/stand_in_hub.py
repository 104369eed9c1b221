"""A hub on this machine that speaks the API of huggingface_hub: repositories, branches, commits, LFS uploads, downloads."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from stand_in_server import Handler, serving

TOKEN = "hf_of_this_test"
LARGE = (".safetensors", ".parquet")  # kept as LFS objects


class HubStandIn(ThreadingHTTPServer):
    """`repos[name][branch][path]` are the bytes that were committed; `commits` are (repo, branch, summary) in order.

    Datasets are repositories among the others. `gated` ones are refused; `asked` are the paths of all downloads.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.objects: dict[str, bytes] = {}
        self.commits: list[tuple[str, str, str]] = []
        self.refuse_commits = 0
        self.gated: set[str] = set()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """What HF_ENDPOINT must say."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(Handler):
    def do_POST(self):
        path, body = unquote(urlsplit(self.path).path), self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer_json(401, {"error": "Invalid username or password."})
        if path == "/api/validate-yaml":
            return self.answer_json(200, {"warnings": [], "errors": []})
        if path == "/api/repos/create":
            request = json.loads(body)
            name = f"{request.get('organization') or 'me'}/{request['name']}"
            known = name in self.server.repos
            self.server.repos.setdefault(name, {"main": {".gitattributes": b""}})
            return self.answer_json(409 if known else 200, {"url": f"{self.server.url}/{name}", "error": "exists"})
        if found := re.fullmatch(r"/api/models/(.+)/branch/(.+)", path):
            branches = self.server.repos[found[1]]
            if found[2] in branches:
                return self.answer_json(409, {"error": "Reference already exists"})
            branches[found[2]] = dict(branches["main"])
            return self.answer_json(200, {})
        if re.fullmatch(r"/api/models/(.+)/preupload/(.+)", path):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self.answer_json(200, {"files": files})
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.server.url}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return self.answer_json(200, {"transfer": "basic", "objects": objects})
        if found := re.fullmatch(r"/api/models/(.+)/commit/(.+)", path):
            if self.server.refuse_commits:
                self.server.refuse_commits -= 1
                return self.answer_json(403, {"error": "storage is full"})
            return self._commit(found[1], found[2], [json.loads(line) for line in body.splitlines()])
        return self.answer_json(404, {"error": f"no such route {path}"})

    def _commit(self, repo: str, branch: str, lines: list[dict]):
        files = self.server.repos[repo][branch]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
        self.server.commits.append((repo, branch, lines[0]["value"]["summary"]))
        oid = self._oid(repo, branch)
        self.answer_json(
            200, {"commitUrl": f"{self.server.url}/{repo}/commit/{oid}", "commitOid": oid, "success": True}
        )

    def do_PUT(self):
        data = self._body()
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(data).hexdigest() == oid
        self.server.objects[oid] = data
        self.answer_json(200, {})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path == "/api/whoami-v2":
            return self.answer_json(200, {"name": "me", "type": "user", "orgs": []})
        if found := re.fullmatch(r"/api/models/(.+)/refs", path):
            branches = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": self._oid(found[1], name)}
                for name in self.server.repos[found[1]]
            ]
            return self.answer_json(200, {"branches": branches, "converts": [], "tags": []})
        found = re.fullmatch(r"/(?:api/models/|api/datasets/|datasets/)?([^/]+/[^/]+)/(resolve|revision)/.+", path)
        if found and found[1] in self.server.gated:
            return self.answer_json(403, {"error": "Access is restricted"}, {"X-Error-Code": "GatedRepo"})
        found = re.fullmatch(r"/(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found and found[1] in self.server.repos:
            self.server.asked.append(path)
            branch = self._branch(found[1], found[2])
            data = self.server.repos[found[1]].get(branch, {}).get(found[3])
            if data is None:
                return self.answer_json(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            etag = hashlib.sha256(data).hexdigest()
            return self.answer(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": self._oid(found[1], branch)})
        found = re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)/revision/([^/]+)", path)
        if found and found[1] in self.server.repos:
            branch = self._branch(found[1], found[2])
            if branch not in self.server.repos[found[1]]:
                return self.answer_json(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            siblings = [self._sibling(name, data) for name, data in self.server.repos[found[1]][branch].items()]
            return self.answer_json(200, {"id": found[1], "sha": self._oid(found[1], branch), "siblings": siblings})
        found = re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)/tree/([^/]+)", path)
        if found and found[1] in self.server.repos:
            files = self.server.repos[found[1]][self._branch(found[1], found[2])]
            return self.answer_json(200, [self._tree_entry(name, data) for name, data in files.items()])
        return self.answer_json(404, {"error": f"no such route {path}"}, {"X-Error-Code": "EntryNotFound"})

    def _sibling(self, name: str, data: bytes) -> dict:
        lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return {"rfilename": name, "size": len(data)} | ({"lfs": lfs} if name.endswith(LARGE) else {})

    def _tree_entry(self, name: str, data: bytes) -> dict:
        lfs = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        entry = {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        return entry | ({"lfs": lfs} if name.endswith(LARGE) else {})

    def _oid(self, repo: str, branch: str) -> str:
        if re.fullmatch("[0-9a-f]{40}", branch):  # a commit, not a branch
            return branch
        return hashlib.sha1(f"{repo}@{branch}".encode()).hexdigest()

    def _branch(self, repo: str, revision: str) -> str:
        return next((name for name in self.server.repos[repo] if revision in (name, self._oid(repo, name))), revision)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data


@contextmanager
def stand_in_hub():
    """A hub on a free port, gone at the end."""
    with serving(HubStandIn()) as server:
        yield server
