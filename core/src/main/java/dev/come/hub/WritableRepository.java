package dev.come.hub;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A branch of a model on the hub that is written to: the routes for that, as {@code huggingface_hub} uses them. */
final class WritableRepository {
    /** How many files the hub is asked about at a time. */
    private static final int AT_A_TIME = 250;
    private static final Set<Integer> IS_THERE_ALREADY = Set.of(409);
    private static final int MOST_PAGES = 1000;
    private static final JsonMapper MAPPER = new JsonMapper();

    private final HubSettings settings;
    private final Repository repository;
    private final String branch;
    private final HubSender sender;
    private final Retries retries;
    private final Progress progress;
    private final HubHttp.Subject about;

    WritableRepository(HubSettings settings, Repository repository, String branch, HubSender sender, Retries retries,
            Progress progress) {
        this.settings = settings;
        this.repository = repository;
        this.branch = branch;
        this.sender = sender;
        this.retries = retries;
        this.progress = progress;
        this.about = new HubHttp.Subject(repository, branch, Optional.empty());
    }

    HubSender sender() {
        return sender;
    }

    HubHttp.Subject about() {
        return about;
    }

    /** Tries something until it works, with the pauses that are usual. */
    <T> T attempt(URI at, Retries.Attempt<T> attempt) {
        return retries.run(Transfer.UPLOAD, at.getHost(), attempt, () -> false, progress::note);
    }

    /** Whether the repository is private; nothing if there is none that the token may see. */
    Optional<Boolean> isPrivate() {
        URI uri = repository.about(settings.endpoint());
        HubSender.Answer answer = attempt(uri, () -> sender.get(uri, about));
        return answer.isFine()
                ? Optional.of(answer.json(uri).path("private").asBoolean(false))
                : Optional.empty();
    }

    /** What the hub says of the files of the branch; nothing if there is no such branch. */
    Optional<Map<String, HubHttp.Told>> files() {
        return attempt(settings.endpoint(), this::filesNow);
    }

    private Optional<Map<String, HubHttp.Told>> filesNow() throws IOException, InterruptedException {
        Map<String, HubHttp.Told> files = new HashMap<>();
        Optional<URI> next = Optional.of(repository.branchTree(settings.endpoint(), branch));
        for (int page = 0; next.isPresent() && page < MOST_PAGES; page++) {
            URI at = next.get();
            HubSender.Answer answer = sender.get(at, about);
            if (!answer.isFine()) {
                // Of a repository without any commit, no branch has files.
                return answer.code().equals("RevisionNotFound") ? Optional.empty() : Optional.of(files);
            }
            files.putAll(Listing.tree(answer.content(), at));
            next = answer.next();
        }
        return Optional.of(files);
    }

    /**
     * Makes the repository.
     *
     * @throws InvalidInputException if the token may not
     * @throws FailedException if it is to be private, and the hub made it for everybody
     */
    void create(boolean secret) {
        URI uri = URI.create(settings.endpoint() + "/api/repos/create");
        String[] parts = repository.name().split("/", 2);
        // Older hubs know one of the keys, newer ones the other.
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("type", "model").put("organization", parts[0])
                .put("name", parts[1]).put("private", secret).put("visibility", secret ? "private" : "public");
        attempt(uri, () -> sender.post(uri, HubSender.JSON, bytes(body), about, IS_THERE_ALREADY));
        if (secret && !isPrivate().orElse(false)) {
            throw new FailedException(settings.endpoint() + " made " + repository
                    + ", but not private, so nothing was sent; make it private on "
                    + repository.page(settings.endpoint()) + " and push again");
        }
    }

    /** Makes the branch, which begins where the main one is. */
    void makeBranch() {
        URI uri = repository.branch(settings.endpoint(), branch);
        attempt(uri, () -> sender.post(uri, HubSender.JSON, "{}".getBytes(StandardCharsets.UTF_8), about,
                IS_THERE_ALREADY));
    }

    /**
     * The names of those files that the hub wants as large ones; empty ones never are.
     *
     * @param rules the branch whose rules hold: this one, or the one that it will be made from
     */
    Set<String> large(List<UploadFile> files, String rules) {
        URI uri = repository.preupload(settings.endpoint(), rules);
        Set<String> large = new HashSet<>();
        for (List<UploadFile> some : inParts(files)) {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            ArrayNode list = body.putArray("files");
            some.forEach(file -> list.addObject().put("path", file.name()).put("size", file.size()).put("sample",
                    Base64.getEncoder().encodeToString(file.sample())));
            HubSender.Answer answer = attempt(uri,
                    () -> sender.post(uri, HubSender.JSON, bytes(body), about, Set.of()));
            Map<String, String> modes = new HashMap<>();
            for (JsonNode file : answer.json(uri).path("files")) {
                modes.put(file.path("path").asString(""), file.path("uploadMode").asString(""));
            }
            for (UploadFile file : some) {
                String mode = modes.getOrDefault(file.name(), "");
                if (!mode.equals("lfs") && !mode.equals("regular")) {
                    throw new FailedException(settings.endpoint() + " does not tell how " + file
                            + " is to be sent; check that HF_ENDPOINT is a hub");
                }
                if (mode.equals("lfs") && file.size() > 0) {
                    large.add(file.name());
                }
            }
        }
        return large;
    }

    /**
     * Asks where large files are to be sent.
     *
     * @param files by their SHA-256
     * @return of those whose content the hub does not have yet
     */
    Map<String, LfsAction> destinations(Map<String, UploadFile> files) {
        URI uri = repository.largeFiles(settings.endpoint());
        Map<String, LfsAction> actions = new HashMap<>();
        for (List<Map.Entry<String, UploadFile>> some : inParts(List.copyOf(files.entrySet()))) {
            ObjectNode body = JsonNodeFactory.instance.objectNode().put("operation", "upload").put("hash_algo",
                    "sha256");
            body.putArray("transfers").add("basic").add("multipart");
            body.putObject("ref").put("name", branch);
            ArrayNode objects = body.putArray("objects");
            some.forEach(file -> objects.addObject().put("oid", file.getKey()).put("size", file.getValue().size()));
            JsonNode answer = attempt(uri, () -> sender.post(uri, HubSender.LFS, bytes(body), about, Set.of()))
                    .json(uri);
            Set<String> told = new HashSet<>();
            for (JsonNode object : answer.path("objects")) {
                String oid = object.path("oid").asString("");
                UploadFile file = files.get(oid);
                if (file != null) {
                    told.add(oid);
                    LfsAction.read(object, file, settings).ifPresent(action -> actions.put(oid, action));
                }
            }
            some.stream().filter(file -> !told.contains(file.getKey())).findFirst().ifPresent(file -> {
                throw new FailedException(settings.endpoint() + " does not tell where " + file.getValue()
                        + " is to be sent; check that HF_ENDPOINT is a hub");
            });
        }
        return actions;
    }

    /**
     * Makes a commit, if there is something to be committed.
     *
     * @param lines makes the lines of the commit from what the hub says of the files of the branch now; none if all is there
     * @return the new commit
     */
    Optional<String> commit(CommitLines lines) {
        URI uri = repository.commit(settings.endpoint(), branch);
        // An answer may be lost when the commit is made already, so each attempt looks first.
        return attempt(uri, () -> {
            List<ObjectNode> open = lines.of(filesNow().orElse(Map.of()));
            if (open.isEmpty()) {
                return Optional.empty();
            }
            StringBuilder body = new StringBuilder();
            open.forEach(line -> body.append(MAPPER.writeValueAsString(line)).append('\n'));
            HubSender.Answer answer = sender.post(uri, HubSender.LINES,
                    body.toString().getBytes(StandardCharsets.UTF_8), about, Set.of());
            String commit = answer.json(uri).path("commitOid").asString("");
            if (!Repository.isCommit(commit)) {
                throw new FailedException(
                        settings.endpoint() + " tells no commit; look at " + repository.page(settings.endpoint())
                                + " whether all is there, and check that HF_ENDPOINT is a hub");
            }
            return Optional.of(commit);
        });
    }

    /** Makes the lines of a commit. */
    @FunctionalInterface
    interface CommitLines {
        List<ObjectNode> of(Map<String, HubHttp.Told> there);
    }

    private static byte[] bytes(JsonNode body) {
        return MAPPER.writeValueAsBytes(body);
    }

    private static <T> List<List<T>> inParts(List<T> all) {
        List<List<T>> parts = new ArrayList<>();
        for (int from = 0; from < all.size(); from += AT_A_TIME) {
            parts.add(all.subList(from, Math.min(all.size(), from + AT_A_TIME)));
        }
        return parts;
    }
}
