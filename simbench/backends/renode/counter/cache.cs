// Caches, as of qemu/plugin/caches.h: what a fetch or an access does to them.
namespace Simbench
{
    using System.Collections.Generic;

    // The least recently used line goes first. A line's sectors are what a miss reads.
    public class Cache
    {
        public Cache(uint[] numbers, Cache owner)
        {
            IsData = numbers[0] != 0;
            ways = (int)numbers[3];
            sets = numbers[1] / numbers[3];
            allocates = numbers[4] != 0;
            segments = numbers[5];
            sectorBytes = numbers[6];
            sectorsOfLine = numbers[2] / numbers[6];
            keeps = numbers[7] != 0;
            phase = numbers[8];
            lines = owner == null ? new Lines(sets, ways) : owner.lines;
        }

        public bool IsData { get; }

        public bool Holds(int segment)
        {
            return (segments >> segment & 1) != 0;
        }

        // A sector that execution only goes on in has been read already.
        public void Fetch(uint start, uint end, bool jumped, out uint jump, out uint sequential)
        {
            jump = 0;
            sequential = 0;
            var sector = (start + phase) / sectorBytes;
            var last = (end - 1 + phase) / sectorBytes;
            if(!jumped && sector == (start - 1 + phase) / sectorBytes)
            {
                sector++;
            }
            for(var isTarget = jumped; sector <= last; sector++, isTarget = false)
            {
                var isThere = lines.Touch(sector, sectorsOfLine, keeps || isTarget);
                if(!isThere && keeps)
                {
                    lines.LastRead = sector;
                }
                jump += !isThere && isTarget ? 1u : 0;
                sequential += !isThere && !isTarget ? 1u : 0;
            }
        }

        // Sectors that a load missed, those behind the sector that was read last apart.
        public void Move(uint address, uint width, bool isStore, out uint jump, out uint sequential)
        {
            jump = 0;
            sequential = 0;
            var last = (address + phase + width - 1) / sectorBytes;
            for(var sector = (address + phase) / sectorBytes; sector <= last; sector++)
            {
                if(isStore && !allocates && !lines.HasLine(sector, sectorsOfLine))
                {
                    continue;
                }
                if(lines.Touch(sector, sectorsOfLine, true))
                {
                    continue;
                }
                var goesOn = sector == lines.LastRead + 1;
                lines.LastRead = sector;
                jump += !isStore && !goesOn ? 1u : 0;
                sequential += !isStore && goesOn ? 1u : 0;
            }
        }

        private readonly int ways;
        private readonly uint sets;
        private readonly bool allocates;
        private readonly bool keeps;
        private readonly uint segments;
        private readonly uint sectorBytes;
        private readonly uint sectorsOfLine;
        private readonly uint phase;
        private readonly Lines lines;
    }

    public class Lines
    {
        public Lines(uint sets, int ways)
        {
            this.sets = sets;
            this.ways = ways;
            var count = (int)sets * ways;
            numbers = new uint[count];
            valid = new uint[count];
            used = new ulong[count];
        }

        public uint LastRead { get; set; } = NoSector;

        public bool HasLine(uint sector, uint sectorsOfLine)
        {
            return places.ContainsKey(sector / sectorsOfLine);
        }

        // Whether the sector is there; if not, it is brought in where that is asked for.
        public bool Touch(uint sector, uint sectorsOfLine, bool bringsIn)
        {
            var number = sector / sectorsOfLine;
            var bit = 1u << (int)(sector % sectorsOfLine);
            if(recent >= 0 && numbers[recent] == number && (valid[recent] & bit) != 0)
            {
                used[recent] = ++time;
                return true;
            }
            var isKnown = places.TryGetValue(number, out var place);
            if(isKnown && (valid[place] & bit) != 0)
            {
                used[place] = ++time;
                recent = place;
                return true;
            }
            if(!bringsIn)
            {
                return false;
            }
            if(!isKnown)
            {
                place = Free(number % sets);
                numbers[place] = number;
                valid[place] = 0;
                places[number] = place;
            }
            valid[place] |= bit;
            used[place] = ++time;
            recent = place;
            return false;
        }

        private int Free(uint set)
        {
            var oldest = (int)set * ways;
            for(var place = oldest; place < ((int)set + 1) * ways; place++)
            {
                if(used[place] < used[oldest])
                {
                    oldest = place;
                }
            }
            if(used[oldest] != 0)
            {
                places.Remove(numbers[oldest]);
            }
            return oldest;
        }

        private readonly uint sets;
        private readonly int ways;
        private readonly uint[] numbers;
        private readonly uint[] valid;
        private readonly ulong[] used;
        private readonly Dictionary<uint, int> places = new Dictionary<uint, int>();
        private int recent = -1;
        private ulong time;

        private const uint NoSector = uint.MaxValue - 1; // nor is the one after it
    }
}
