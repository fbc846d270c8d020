package dev.come.checkpoint;

import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names that tell of layers by number, such as {@code model.layers.3.mlp}, and what they are when only some layers are left. A
 * name may be a regular expression, as PEFT takes them, with {@code \.} in place of the dot.
 */
public final class LayerNames {
    /** A number that belongs to no word, or a class of digits. */
    private static final Pattern NUMBER = Pattern.compile("(?<![A-Za-z_0-9])[0-9]|\\\\d|\\[[^\\]]*[0-9]");

    private final Pattern layer;
    private final Map<Integer, Integer> places;

    /**
     * Names of one model.
     *
     * @param list what the list of its layers is called, such as {@code layers}
     * @param places the number that each layer that is left has now, by the number that it had
     */
    public LayerNames(String list, Map<Integer, Integer> places) {
        // A number is whole only if no sign of a regular expression follows: layers.1.* is layer 10 too.
        this.layer = Pattern.compile("(?:^|(?<=[^A-Za-z_0-9]))" + Pattern.quote(list)
                + "\\\\?\\.([0-9]{1,9})(?=\\$?$|\\\\?\\.[A-Za-z_])");
        this.places = Map.copyOf(places);
    }

    /** The number that the layer of a name had; empty where it tells of none. */
    public OptionalInt layer(String name) {
        Matcher found = layer.matcher(name);
        return found.find() ? OptionalInt.of(Integer.parseInt(found.group(1))) : OptionalInt.empty();
    }

    /** Whether a name holds numbers that may be those of layers, and are not written as such. */
    boolean isUnclear(String name) {
        Matcher found = layer.matcher(name);
        if (!found.find()) {
            return NUMBER.matcher(name).find();
        }
        String before = name.substring(0, found.start(1));
        return NUMBER.matcher(before).find() || name.indexOf('|') >= 0;
    }

    /** Whether a layer is left. */
    boolean isLeft(int number) {
        return places.containsKey(number);
    }

    /** The number that a layer that is left has now. */
    int place(int number) {
        return places.getOrDefault(number, -1);
    }

    /** Whether a name tells of no layer, or of one that is left. */
    public boolean stays(String name) {
        return layer(name).isEmpty() || isLeft(layer(name).getAsInt());
    }

    /** A name that stays, with the number that its layer has now. */
    public String renumbered(String name) {
        Matcher found = layer.matcher(name);
        return found.find()
                ? name.substring(0, found.start(1)) + place(Integer.parseInt(found.group(1)))
                        + name.substring(found.end(1))
                : name;
    }
}
