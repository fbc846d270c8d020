package dev.come.prune;

import dev.come.UsageException;
import dev.come.checkpoint.RecordNames;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Makes a method with some of its options given as text, by the names that the command line has for them. */
final class OptionValues {
    private static final String LISTED = "\\s*,\\s*";

    private OptionValues() {
    }

    /** @throws UsageException if the method has no such option, or the option no such value */
    static <O extends Record> PruningMethod method(Methods.Entry<O> entry, Map<String, String> values) {
        RecordComponent[] components = entry.defaults().getClass().getRecordComponents();
        List<String> names = Arrays.stream(components).map(OptionValues::option).toList();
        for (String name : values.keySet()) {
            if (!names.contains(name)) {
                throw new UsageException(name + " is no option of " + entry.name() + ", which has: "
                        + (names.isEmpty() ? "none" : String.join(", ", names)));
            }
        }
        List<Object> made = new ArrayList<>();
        for (RecordComponent component : components) {
            String option = option(component);
            made.add(values.containsKey(option)
                    ? value(option, values.get(option), component)
                    : get(component, entry.defaults()));
        }
        @SuppressWarnings("unchecked") // the record is of the class of the defaults
        O options = (O) create(entry.defaults().getClass(), components, made);
        return entry.with().apply(options);
    }

    private static String option(RecordComponent component) {
        return "--" + RecordNames.key(component.getName()).replace('_', '-');
    }

    private static Object value(String option, String text, RecordComponent component) {
        Class<?> type = component.getType();
        try {
            if (type == int.class) {
                return Integer.valueOf(text);
            }
            if (type == double.class) {
                return Double.valueOf(text);
            }
            if (type == boolean.class && List.of("true", "false").contains(text)) {
                return Boolean.valueOf(text);
            }
            if (type == List.class) {
                return Arrays.stream(text.split(LISTED)).map(Integer::valueOf).toList();
            }
            if (type == Barriers.class) {
                List<Integer> layers = Arrays.stream(text.split(LISTED)).map(Integer::valueOf).toList();
                if (layers.size() == 2) {
                    return new Barriers(layers.get(0), layers.get(1));
                }
            }
        } catch (NumberFormatException _) {
            // told below
        }
        List<? extends Enum<?>> known = type.isEnum()
                ? Stream.of(type.getEnumConstants()).map(constant -> (Enum<?>) constant).toList()
                : List.of();
        return known.stream().filter(constant -> name(constant).equals(text)).findFirst()
                .orElseThrow(() -> new UsageException(option + " is \"" + text + "\", but " + (known.isEmpty()
                        ? expected(type) + " expected"
                        : "the choices are " + known.stream().map(OptionValues::name)
                                .collect(Collectors.joining(", ")))));
    }

    private static String name(Enum<?> constant) {
        return RecordNames.name(constant).replace('_', '-');
    }

    private static String expected(Class<?> type) {
        if (type == int.class) {
            return "a whole number is";
        }
        if (type == double.class) {
            return "a number is";
        }
        if (type == boolean.class) {
            return "true or false is";
        }
        return type == Barriers.class ? "two numbers such as 1,1 are" : "whole numbers with commas between are";
    }

    private static Object get(RecordComponent component, Record from) {
        try {
            return component.getAccessor().invoke(from);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a record of options cannot be read", e);
        }
    }

    private static Object create(Class<?> type, RecordComponent[] components, List<Object> values) {
        try {
            return type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new))
                    .newInstance(values.toArray());
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof RuntimeException refused ? refused : new IllegalStateException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a record of options cannot be made", e);
        }
    }
}
