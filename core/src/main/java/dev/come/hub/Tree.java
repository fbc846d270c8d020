package dev.come.hub;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Sizes and hashes of the files of a commit, as the hub lists them. They are asked for only when a server does not tell them
 * where the file is, as some mirrors do not.
 */
final class Tree {
    private static final HubHttp.Told NOTHING = new HubHttp.Told(Optional.empty(), OptionalLong.empty());
    /** The hub lists 1,000 files at a time, and its largest repositories have 100,000. */
    private static final int MOST_PAGES = 1000;

    private final Hub hub;
    private final URI uri;
    private final HubHttp.Subject about;
    private @Nullable Map<String, HubHttp.Told> files;

    Tree(Hub hub, Repository repository, String revision, String commit) {
        this.hub = hub;
        this.uri = repository.tree(hub.settings().endpoint(), commit);
        this.about = new HubHttp.Subject(repository, revision, Optional.empty());
    }

    /**
     * Completes what a server has told of a file.
     *
     * @param at the address of the file
     * @throws FailedException if something is missing here too
     */
    HubHttp.Facts facts(HubHttp.Told told, String file, URI at) {
        // A length of 0 is that of the answer where a server does not look for the file.
        boolean known = told.etag().isPresent() && told.size().orElse(0) > 0;
        HubHttp.Told listed = known ? NOTHING : files().getOrDefault(file, NOTHING);
        String etag = told.etag().or(listed::etag).orElseThrow(() -> lacks("ETag", at));
        OptionalLong size = told.size().orElse(0) > 0 || listed.size().isEmpty() ? told.size() : listed.size();
        return new HubHttp.Facts(etag, size.orElseThrow(() -> lacks("size", at)));
    }

    private static FailedException lacks(String what, URI at) {
        return new FailedException(at + " has no " + what + ", nor has the list of files, so it cannot be kept in the"
                + " cache of the hub; check that HF_ENDPOINT is a hub");
    }

    private synchronized Map<String, HubHttp.Told> files() {
        if (files == null) {
            files = read();
        }
        return files;
    }

    private Map<String, HubHttp.Told> read() {
        Map<String, HubHttp.Told> all = new HashMap<>();
        Optional<URI> next = Optional.of(uri);
        try {
            for (int page = 0; next.isPresent() && page < MOST_PAGES; page++) {
                URI at = next.get();
                HubHttp.Page answer = hub.retries().run(at.getHost(), () -> hub.http().read(at, about), () -> false,
                        hub.progress()::note);
                all.putAll(Listing.tree(answer.content(), at));
                next = answer.next();
            }
        } catch (InvalidInputException _) {
            // A mirror that has no such list; what is missing then is said of the file.
        }
        return all;
    }
}
