package dev.come.hub;

import dev.come.FailedException;
import dev.come.Progress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Sends the content of one large file: in one piece, or in parts of which each is kept once it is there. Where addresses are no
 * longer good, the hub is asked for fresh ones, and the file is sent anew.
 */
final class LfsUpload {
    /** How often fresh addresses are asked for. Those of the hub are good for hours. */
    private static final int MOST_RENEWALS = 3;
    /** Answers that say that what was sent is not there. */
    private static final Set<Integer> LOST = Set.of(400, 403, 404, 410, 422);

    private final WritableRepository repository;
    private final HubSettings settings;
    private final UploadFile file;
    private final String oid;
    private final Path state;
    private final Progress progress;
    private final AtomicBoolean keptSomething;
    private KeptUpload upload;
    private long planned;
    private long told;

    /**
     * @param action where the hub wants it now
     * @param folder where is kept what was sent
     * @param keptSomething set when there is something to go on from
     */
    LfsUpload(WritableRepository repository, HubSettings settings, UploadFile file, String oid, LfsAction action,
            Path folder, Progress progress, AtomicBoolean keptSomething) {
        this.repository = repository;
        this.settings = settings;
        this.file = file;
        this.oid = oid;
        this.state = folder.resolve(repository.about().repository().folderName() + "--" + oid + ".json");
        this.progress = progress;
        this.keptSomething = keptSomething;
        Optional<KeptUpload> earlier = KeptUpload.read(state, settings, file.size())
                .filter(_ -> action.partBytes().isPresent());
        this.upload = earlier.orElseGet(() -> KeptUpload.begin(state, settings, file.size(), action));
        if (earlier.isPresent()) {
            keptSomething.set(true);
        }
    }

    /** The bytes that are to be sent. In the end the task will be told of exactly this number, come what may. */
    long plan() {
        planned = file.size() - upload.bytesThere();
        return planned;
    }

    /** Sends what is missing. */
    void run(Progress.Task task) {
        Progress.Task counting = steps -> {
            told += steps;
            task.advance(steps);
        };
        for (int renewals = 0; !isSent(renewals, counting); renewals++) {
            KeptUpload.remove(state);
            Optional<LfsAction> fresh = Optional.ofNullable(repository.destinations(Map.of(oid, file)).get(oid));
            if (fresh.isEmpty()) {
                break; // it was there after all
            }
            progress.note(settings.endpoint().getHost() + " gives a fresh address for " + file
                    + ", which is sent once more from its beginning.");
            counting.advance(-told);
            upload = KeptUpload.begin(state, settings, file.size(), fresh.get());
        }
        KeptUpload.remove(state);
        task.advance(planned - told);
        told = planned;
    }

    /**
     * Sends by the addresses at hand.
     *
     * @return false if they are no longer good, and others can be asked for
     */
    private boolean isSent(int renewals, Progress.Task task) {
        try {
            LfsAction action = upload.action();
            for (int piece = 0; piece < action.pieces(); piece++) {
                if (action.parts().isEmpty() || !upload.has(piece)) {
                    send(action, piece, task);
                }
            }
            file.requireUnchanged();
            if (!action.parts().isEmpty()) {
                complete(action);
            }
            action.verify().ifPresent(this::verify);
            return true;
        } catch (UploadRefusals.Expired e) {
            if (renewals >= MOST_RENEWALS) {
                throw e;
            }
            return false;
        }
    }

    private void send(LfsAction action, int piece, Progress.Task task) {
        URI to = action.piece(piece);
        Optional<String> etag = repository.attempt(to, () -> repository.sender().put(to, file, action.from(piece),
                action.length(piece, file.size()), task));
        if (!action.parts().isEmpty()) {
            upload.keep(piece, etag.orElseThrow(() -> new FailedException(
                    to.getHost() + " does not tell what it calls a part of " + file
                            + ", so it cannot be put together; try again later")));
            keptSomething.set(true);
        }
    }

    private void complete(LfsAction action) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("oid", oid);
        ArrayNode parts = body.putArray("parts");
        for (int part = 0; part < action.parts().size(); part++) {
            parts.addObject().put("partNumber", part + 1).put("etag", upload.etag(part));
        }
        tell(action.href(), body, "does not put " + file + " together");
    }

    private void verify(URI uri) {
        tell(uri, JsonNodeFactory.instance.objectNode().put("oid", oid).put("size", file.size()),
                "does not find " + file + " whole after it was sent");
    }

    private void tell(URI uri, ObjectNode body, String otherwise) {
        HubSender.Answer answer = repository.attempt(uri, () -> repository.sender().post(uri, HubSender.LFS,
                body.toString().getBytes(StandardCharsets.UTF_8), repository.about(), LOST));
        if (!answer.isFine()) {
            throw new UploadRefusals.Expired(
                    uri.getHost() + " " + otherwise + " (" + answer.status() + "); try again later");
        }
    }
}
