package dev.come.hub;

import dev.come.FailedException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The list of a repository's files.
 *
 * @param commit what the revision stands for now
 */
record Listing(String commit, List<String> files) {
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * Reads what the hub answers when it is asked for a revision.
     *
     * @param uri where the answer comes from
     * @throws FailedException if it is no such answer
     */
    static Listing read(byte[] answer, URI uri) {
        JsonNode listing = parsed(answer, uri);
        String commit = listing.path("sha").asString("");
        if (!Repository.isCommit(commit)) {
            throw new FailedException(uri + " tells no commit; check that HF_ENDPOINT is a hub");
        }
        List<String> files = new ArrayList<>();
        listing.path("siblings").forEach(file -> files.add(file.path("rfilename").asString("")));
        return new Listing(commit, files);
    }

    /**
     * Reads what the hub answers when it is asked for the tree of a commit, or a part of it: sizes and hashes.
     *
     * @param uri where the answer comes from
     * @throws FailedException if it is no such answer
     */
    static Map<String, HubHttp.Told> tree(byte[] answer, URI uri) {
        Map<String, HubHttp.Told> files = new HashMap<>();
        for (JsonNode file : parsed(answer, uri)) {
            JsonNode large = file.path("lfs");
            JsonNode content = large.isObject() ? large : file;
            if (file.path("type").asString("").equals("file")) {
                files.put(file.path("path").asString(""), new HubHttp.Told(
                        Optional.of(content.path("oid").asString("")).filter(HubHttp::isEtag),
                        HubHttp.number(Optional.of(content.path("size").asString("")))));
            }
        }
        return files;
    }

    private static JsonNode parsed(byte[] answer, URI uri) {
        try {
            return JSON.readTree(answer);
        } catch (JacksonException e) {
            throw new FailedException(uri + " does not answer as a hub does; check HF_ENDPOINT", e);
        }
    }
}
