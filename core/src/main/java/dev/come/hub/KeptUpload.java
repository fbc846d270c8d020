package dev.come.hub;

import dev.come.FailedException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.FileModes;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.RecordJson;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which parts of a large file a store has, kept on this machine so that a later run need not send them again. The hub gives new
 * addresses to each who asks, and parts count only where they were sent; so the addresses are kept too, for the owner alone.
 *
 * <pre>
 * field           | type    | meaning, unit
 * ----------------|---------|----------------------------------------------
 * format          | string  | "come-upload"
 * format_version  | integer | 1
 * endpoint        | string  | the hub
 * size            | integer | bytes of the file
 * part_bytes      | integer | bytes of each part but the last
 * complete        | string  | is told when all parts are there
 * verify          | string  | is told then, if it wants to be
 * parts[].address | string  | where the part goes
 * parts[].etag    | string  | what the store calls it, once it is there
 * </pre>
 */
final class KeptUpload {
    private static final String FORMAT = "come-upload";
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Path file;
    private final HubSettings settings;
    private final long size;
    private final LfsAction action;
    private final List<Optional<String>> etags;

    private KeptUpload(Path file, HubSettings settings, long size, LfsAction action, List<Optional<String>> etags) {
        this.file = file;
        this.settings = settings;
        this.size = size;
        this.action = action;
        this.etags = new ArrayList<>(etags);
    }

    /** One of which nothing was sent yet. */
    static KeptUpload begin(Path file, HubSettings settings, long size, LfsAction action) {
        return new KeptUpload(file, settings, size, action,
                action.parts().stream().map(_ -> Optional.<String>empty()).toList());
    }

    /** What an earlier run has kept; nothing if there is none, or it is of no use. */
    static Optional<KeptUpload> read(Path file, HubSettings settings, long size) {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            JsonNode root = MAPPER.readTree(Limits.read(file, Limits.CONFIG_BYTES));
            long partBytes = root.path("part_bytes").asLong(0);
            if (!root.path("format").asString("").equals(FORMAT) || root.path("size").asLong(-1) != size
                    || !root.path("endpoint").asString("").equals(settings.endpoint().toString()) || partBytes < 1
                    || root.path("parts").size() != Math.ceilDiv(size, partBytes)) {
                return Optional.empty();
            }
            List<URI> parts = new ArrayList<>();
            List<Optional<String>> etags = new ArrayList<>();
            for (JsonNode part : root.path("parts")) {
                parts.add(LfsAction.address(part.path("address"), settings));
                etags.add(Optional.of(part.path("etag").asString("")).filter(etag -> !etag.isEmpty()));
            }
            Optional<URI> verify = root.has("verify")
                    ? Optional.of(LfsAction.address(root.path("verify"), settings))
                    : Optional.empty();
            return Optional.of(new KeptUpload(file, settings, size, new LfsAction(
                    LfsAction.address(root.path("complete"), settings), OptionalLong.of(partBytes), parts, verify),
                    etags));
        } catch (IOException | JacksonException | FailedException _) {
            return Optional.empty(); // then everything is sent anew
        }
    }

    LfsAction action() {
        return action;
    }

    /** Whether a part is there. */
    boolean has(int part) {
        return etags.get(part).isPresent();
    }

    /** What the store calls a part that is there. */
    String etag(int part) {
        return etags.get(part).orElseThrow();
    }

    /** Bytes that need not be sent again. */
    long bytesThere() {
        long bytes = 0;
        for (int part = 0; part < etags.size(); part++) {
            bytes += has(part) ? action.length(part, size) : 0;
        }
        return bytes;
    }

    /** Keeps that a part is there. */
    void keep(int part, String etag) {
        etags.set(part, Optional.of(etag));
        ObjectNode root = RecordJson.file(FORMAT, 1);
        root.put("endpoint", settings.endpoint().toString()).put("size", size)
                .put("part_bytes", action.partBytes().orElseThrow()).put("complete", action.href().toString());
        action.verify().ifPresent(uri -> root.put("verify", uri.toString()));
        ArrayNode parts = root.putArray("parts");
        for (int i = 0; i < etags.size(); i++) {
            ObjectNode node = parts.addObject().put("address", action.piece(i).toString());
            etags.get(i).ifPresent(name -> node.put("etag", name));
        }
        try {
            FileModes.makePrivateFolder(file.toAbsolutePath().resolveSibling(""));
        } catch (IOException e) {
            throw new FailedException(file + " cannot be written (" + IoReason.of(e)
                    + "), which tells a later run what was sent; mend that and push again", e);
        }
        AtomicFile.writePrivate(file, RecordJson.text(root));
    }

    /** Forgets all of it. */
    static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // A later run sees that it is of no use.
        }
    }
}
