package dev.come.hub;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.Shown;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A repository of the hub, and its addresses there. Names come from users and servers; what could lead out of the cache
 * does not get past this class.
 *
 * @param name {@code OWNER/NAME}, or {@code NAME} alone as the oldest models have it
 */
record Repository(Kind kind, String name) {
    /** What kinds of repository there are, and how they are spelt in addresses and in the cache. */
    enum Kind {
        MODEL("models", "", "model"), DATASET("datasets", "datasets/", "data set");

        private final String plural;
        private final String prefix;
        private final String words;

        Kind(String plural, String prefix, String words) {
            this.plural = plural;
            this.prefix = prefix;
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }

    private static final String PART = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
    private static final Pattern NAME = Pattern.compile("(?:" + PART + "/)?" + PART);
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40,64}");
    /** What git allows in the name of a branch or tag, less what would be odd in a path. */
    private static final Pattern REVISION_PART = Pattern.compile("[A-Za-z0-9_+@=][A-Za-z0-9_.+@=-]*");

    Repository {
        if (!isName(name)) {
            throw new UsageException("'" + Shown.of(name) + "' is no name of a " + kind
                    + " on the hub; such names look like HuggingFaceTB/SmolLM2-135M");
        }
    }

    /** Whether a text has the form of a repository's name. {@code --} is how the cache spells a slash. */
    static boolean isName(String text) {
        return NAME.matcher(text).matches() && !text.contains("--") && !text.contains("..") && !text.endsWith(".git");
    }

    /** Whether a text is the full name of a commit. */
    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /**
     * Checks a branch, tag or commit that the user names.
     *
     * @throws UsageException if it can be none
     */
    static void checkRevision(String revision) {
        boolean fine = Arrays.stream(revision.split("/", -1))
                .allMatch(part -> REVISION_PART.matcher(part).matches() && !part.contains(".."));
        if (!fine || revision.length() > 200) {
            throw new UsageException(
                    "--revision is '" + Shown.of(revision)
                            + "', but must be a branch, a tag or a commit, such as main");
        }
    }

    /**
     * Checks the name of a file that the server or an index tells.
     *
     * @throws InvalidInputException if it could lead out of the folder, or be no file's name
     */
    void checkFile(String file) {
        boolean fine = Arrays.stream(file.split("/", -1)).allMatch(part -> !part.isEmpty() && !part.equals(".")
                && !part.equals("..") && part.length() <= 200
                && part.chars().noneMatch(character -> character < ' ' || "\\:*?\"<>|".indexOf(character) >= 0));
        if (!fine || file.length() > 1000 || !StandardCharsets.UTF_8.newEncoder().canEncode(file)) {
            throw new InvalidInputException("The " + kind + " " + name + " names a file '" + Shown.of(file)
                    + "', which is not fetched: such a name could lead out of the cache");
        }
        try {
            var _ = Path.of(file);
        } catch (InvalidPathException e) {
            throw new InvalidInputException("The " + kind + " " + name + " names a file '" + Shown.of(file)
                    + "', which this system cannot spell; set LC_ALL to a language with UTF-8, such as C.UTF-8", e);
        }
    }

    /** The folder's name in the cache. */
    String folderName() {
        return kind.plural + "--" + name.replace("/", "--");
    }

    /** The page for people. */
    URI page(URI endpoint) {
        return URI.create(endpoint + "/" + kind.prefix + name);
    }

    /** Tells the commit of a revision, and the files there. */
    URI listing(URI endpoint, String revision) {
        return URI.create(endpoint + "/api/" + kind.plural + "/" + name + "/revision/" + encoded(revision));
    }

    /** Tells the files of a commit with their sizes and hashes, as many at a time as the hub likes. */
    URI tree(URI endpoint, String commit) {
        return URI.create(endpoint + "/api/" + kind.plural + "/" + name + "/tree/" + commit + "?recursive=true");
    }

    /** The content of a file. */
    URI file(URI endpoint, String commit, String file) {
        String path = Arrays.stream(file.split("/")).map(Repository::encoded).collect(Collectors.joining("/"));
        return URI.create(endpoint + "/" + kind.prefix + name + "/resolve/" + commit + "/" + path);
    }

    /** Tells what is known of the repository itself. */
    URI about(URI endpoint) {
        return URI.create(endpoint + "/api/" + kind.plural + "/" + name);
    }

    /** Makes a branch. */
    URI branch(URI endpoint, String branch) {
        return URI.create(about(endpoint) + "/branch/" + encoded(branch));
    }

    /** Tells which files of those that shall come are large ones. */
    URI preupload(URI endpoint, String branch) {
        return URI.create(about(endpoint) + "/preupload/" + encoded(branch));
    }

    /** Takes a commit. */
    URI commit(URI endpoint, String branch) {
        return URI.create(about(endpoint) + "/commit/" + encoded(branch));
    }

    /** Tells where large files are to be sent (git LFS). */
    URI largeFiles(URI endpoint) {
        return URI.create(endpoint + "/" + kind.prefix + name + ".git/info/lfs/objects/batch");
    }

    /** Tells the files of a branch with their sizes and hashes, as many at a time as the hub likes. */
    URI branchTree(URI endpoint, String branch) {
        return tree(endpoint, encoded(branch));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public String toString() {
        return name;
    }
}
