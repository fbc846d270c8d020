package dev.come.hub;

import dev.come.FailedException;
import dev.come.checkpoint.Shown;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * Where the content of one large file is to be sent, as the hub tells it
 * (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md). Addresses hold signatures, and are no business of
 * messages.
 *
 * @param href takes the whole content, or is told when all parts are there
 * @param partBytes how many bytes a part has, but for the last one; absent where the file goes in one piece
 * @param parts where each part goes, in order; none where the file goes in one piece
 * @param verify is told when all is there, if it wants to be
 */
record LfsAction(URI href, OptionalLong partBytes, List<URI> parts, Optional<URI> verify) {
    private static final String HUB = "https://huggingface.co/";

    LfsAction {
        parts = List.copyOf(parts);
    }

    /**
     * Reads what the hub answers for one object.
     *
     * @return nothing if the hub has the content
     * @throws FailedException if it does not take it, or answers in another form
     */
    static Optional<LfsAction> read(JsonNode object, UploadFile file, HubSettings settings) {
        JsonNode error = object.path("error");
        if (error.isObject()) {
            throw new FailedException(settings.endpoint() + " does not take " + file + " ("
                    + Shown.of(error.path("message").asString("")) + "); mend that and push again");
        }
        JsonNode upload = object.path("actions").path("upload");
        if (upload.isMissingNode()) {
            return Optional.empty();
        }
        JsonNode header = upload.path("header");
        JsonNode verify = object.path("actions").path("verify").path("href");
        OptionalLong partBytes = HubHttp.number(Optional.of(header.path("chunk_size").asString("")));
        LfsAction action = new LfsAction(address(upload.path("href"), settings), partBytes,
                partBytes.isPresent() ? parts(header, settings) : List.of(),
                verify.isMissingNode() ? Optional.empty() : Optional.of(address(verify, settings)));
        action.requireFits(file, settings);
        return Optional.of(action);
    }

    private static List<URI> parts(JsonNode header, HubSettings settings) {
        TreeMap<Integer, URI> parts = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : header.properties()) {
            if (entry.getKey().matches("\\d{1,9}")) {
                parts.put(Integer.parseInt(entry.getKey()), address(entry.getValue(), settings));
            }
        }
        return new ArrayList<>(parts.values());
    }

    private void requireFits(UploadFile file, HubSettings settings) {
        if (partBytes.isPresent() && (partBytes.getAsLong() < 1
                || parts.size() != Math.ceilDiv(file.size(), partBytes.getAsLong()))) {
            throw new FailedException(settings.endpoint() + " gives " + parts.size() + " addresses for the "
                    + file.size() + " bytes of " + file + " in parts of " + partBytes.getAsLong()
                    + "; check that HF_ENDPOINT is a hub");
        }
    }

    /** An address of an answer. Where another endpoint stands for the hub, it stands for it here too. */
    static URI address(JsonNode text, HubSettings settings) {
        String written = text.asString("");
        try {
            URI uri = URI.create(
                    written.startsWith(HUB) ? settings.endpoint() + written.substring(HUB.length() - 1) : written);
            boolean secure = "https".equals(uri.getScheme());
            if (uri.getHost() != null && (secure || ("http".equals(uri.getScheme())
                    && settings.endpoint().getScheme().equals("http")))) {
                return uri;
            }
        } catch (IllegalArgumentException _) {
            // said below, without the text, which may hold a signature
        }
        throw new FailedException(settings.endpoint() + " sends large files to an address that is none, or is not"
                + " encrypted; check that HF_ENDPOINT is a hub");
    }

    /** How many pieces there are. */
    int pieces() {
        return Math.max(1, parts.size());
    }

    /** Where a piece goes. */
    URI piece(int number) {
        return parts.isEmpty() ? href : parts.get(number);
    }

    /** Where in the file a piece begins. */
    long from(int number) {
        return number * partBytes.orElse(0);
    }

    /** The bytes of a piece. */
    long length(int number, long size) {
        return Math.min(partBytes.orElse(size), size - from(number));
    }
}
