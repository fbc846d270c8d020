package dev.come.hub;

import dev.come.Progress;
import java.util.Base64;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The lines of a commit, as the hub takes them: one JSON object each. */
final class CommitLine {
    private CommitLine() {
    }

    /** The first line. */
    static ObjectNode header(String message) {
        ObjectNode line = of("header");
        value(line).put("summary", message).put("description", "");
        return line;
    }

    /** A large file, whose content is there already. */
    static ObjectNode ofLarge(UploadFile file, Progress.Task task) {
        ObjectNode line = of("lfsFile");
        value(line).put("path", file.name()).put("algo", "sha256").put("oid", file.sha256(task))
                .put("size", file.size());
        return line;
    }

    /** A small file with its content. */
    static ObjectNode ofSmall(UploadFile file) {
        ObjectNode line = of("file");
        value(line).put("path", file.name()).put("encoding", "base64").put("content",
                Base64.getEncoder().encodeToString(file.content()));
        return line;
    }

    /** A file that is not to be there any more. */
    static ObjectNode ofDeleted(String name) {
        ObjectNode line = of("deletedFile");
        value(line).put("path", name);
        return line;
    }

    private static ObjectNode of(String key) {
        return JsonNodeFactory.instance.objectNode().put("key", key);
    }

    private static ObjectNode value(ObjectNode line) {
        return line.putObject("value");
    }
}
