package dev.come.text;

import dev.come.UsageException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A data set and its part of a mixture.
 *
 * @param dataset name or path
 * @param share of all tokens; the shares of a mixture sum to 1
 */
public record DataShare(String dataset, double share) {
    private static final String OPTION = "--calibration-dataset";
    private static final Pattern SHARED = Pattern.compile("(.+):(\\d+\\.?\\d*|\\.\\d+)");

    private record Named(String dataset, OptionalDouble share) {}

    /**
     * Reads what a user gave, such as {@code wiki2}, {@code wiki2,c4} or {@code wiki2:0.3 c4:0.7}. Without shares each has the
     * same.
     *
     * @param given names with or without shares, some perhaps joined by commas
     * @return at least one
     * @throws UsageException if one is there twice, a share is 0, or some have shares and others have none
     */
    public static List<DataShare> of(List<String> given) {
        List<Named> all = new ArrayList<>();
        for (String piece : given) {
            (isThere(piece) ? List.of(piece) : Arrays.stream(piece.split(",")).filter(one -> !one.isBlank()).toList())
                    .forEach(one -> all.add(named(one.strip())));
        }
        if (all.isEmpty()) {
            throw new UsageException(OPTION + " is empty; name a data set, or give the path of a text");
        }
        Set<String> names = new HashSet<>();
        for (Named one : all) {
            if (!names.add(one.dataset)) {
                throw new UsageException(OPTION + " names " + one.dataset + " twice; name it once");
            }
            if (one.share.isPresent() && one.share.getAsDouble() == 0) {
                throw new UsageException(OPTION + ": the share of " + one.dataset
                        + " is 0; leave it out, or give it a share above 0");
            }
        }
        boolean shared = all.stream().anyMatch(one -> one.share.isPresent());
        Optional<Named> without = all.stream().filter(one -> one.share.isEmpty()).findFirst();
        if (shared && without.isPresent()) {
            throw new UsageException(OPTION + ": " + without.get().dataset
                    + " has no share, but another data set has one; give each a share, as in wiki2:0.3 c4:0.7");
        }
        double sum = all.stream().mapToDouble(one -> one.share.orElse(1)).sum();
        return all.stream().map(one -> new DataShare(one.dataset, one.share.orElse(1) / sum)).toList();
    }

    private static Named named(String piece) {
        Matcher matcher = SHARED.matcher(piece);
        return matcher.matches() && !isThere(piece)
                ? new Named(matcher.group(1), OptionalDouble.of(Double.parseDouble(matcher.group(2))))
                : new Named(piece, OptionalDouble.empty());
    }

    /** A file may be called as a mixture is written. */
    private static boolean isThere(String name) {
        try {
            return Files.exists(Path.of(name));
        } catch (InvalidPathException _) {
            return false;
        }
    }
}
